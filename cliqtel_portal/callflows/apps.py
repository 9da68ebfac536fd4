from __future__ import annotations

from django.apps import AppConfig


class CallflowsConfig(AppConfig):
    name = "cliqtel_portal.callflows"
    label = "callflows"
