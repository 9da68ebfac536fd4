from __future__ import annotations

from django.apps import AppConfig


class RegulatoryConfig(AppConfig):
    name = "cliqtel_portal.regulatory"
    label = "regulatory"
