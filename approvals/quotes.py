"""What an approval costs, as it was shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cliqtel_portal.money import Money


@dataclass(frozen=True, kw_only=True)
class Quote:
    """`monthly` recurs, `once` does not. Neither is negative."""

    once: Decimal
    monthly: Decimal
    currency: str = "EUR"

    def __post_init__(self) -> None:
        if not self.first_charge.amount.is_finite() or min(self.once, self.monthly) < 0:
            raise ValueError("a price is not negative")

    @property
    def first_charge(self) -> Money:
        """What the click spends at once: the amount that policies look at."""
        return Money(amount=self.once, currency=self.currency) + Money(
            amount=self.monthly, currency=self.currency
        )

    def as_json(self) -> dict[str, str]:
        """Decimal strings in one spelling, so that 1.5 and 1.50 have the same digest."""
        return {
            "once": Money(amount=self.once, currency=self.currency).plain,
            "monthly": Money(amount=self.monthly, currency=self.currency).plain,
            "currency": self.currency,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Quote:
        return cls(
            once=Decimal(value["once"]),
            monthly=Decimal(value["monthly"]),
            currency=value["currency"],
        )
