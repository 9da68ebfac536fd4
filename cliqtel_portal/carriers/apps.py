from __future__ import annotations

from django.apps import AppConfig


class CarriersConfig(AppConfig):
    name = "cliqtel_portal.carriers"
    label = "carriers"

    def ready(self) -> None:
        from cliqtel_portal.carriers import checks, execution, reports  # noqa: F401 - registers

        reports.register(reports.OperationReport, execution.apply_report)
