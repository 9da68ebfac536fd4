from __future__ import annotations

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "cliqtel_portal"

    def ready(self) -> None:
        from cliqtel_portal import checks  # noqa: F401 - registers
