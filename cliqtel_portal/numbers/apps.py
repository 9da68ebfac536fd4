from __future__ import annotations

from django.apps import AppConfig


class NumbersConfig(AppConfig):
    name = "cliqtel_portal.numbers"
    label = "numbers"

    def ready(self) -> None:
        from cliqtel_portal.carriers import outcomes
        from cliqtel_portal.numbers.services.order_outcomes import OrderOutcome
        from cliqtel_portal.numbers.services.release_outcome import ReleaseOutcome

        outcomes.register("order_numbers", OrderOutcome())
        outcomes.register("release_number", ReleaseOutcome())
