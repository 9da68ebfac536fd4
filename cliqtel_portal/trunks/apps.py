from __future__ import annotations

from django.apps import AppConfig


class TrunksConfig(AppConfig):
    name = "cliqtel_portal.trunks"
    label = "trunks"
