from __future__ import annotations

from django.apps import AppConfig


class DeedsConfig(AppConfig):
    name = "cliqtel_portal.deeds"
    label = "deeds"
