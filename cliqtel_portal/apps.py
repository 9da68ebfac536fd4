from __future__ import annotations

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "cliqtel_portal"

    def ready(self) -> None:
        from django.conf import settings

        from cliqtel_portal import checks, tracing  # noqa: F401 - registers

        if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
            tracing.switch_on()
