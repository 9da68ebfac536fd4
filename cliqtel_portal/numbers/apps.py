from __future__ import annotations

from django.apps import AppConfig


class NumbersConfig(AppConfig):
    name = "cliqtel_portal.numbers"
    label = "numbers"

    def ready(self) -> None:
        from cliqtel_portal.carriers import outcomes
        from cliqtel_portal.numbers.services.order_outcomes import OrderOutcome

        outcomes.register("order_numbers", OrderOutcome())
