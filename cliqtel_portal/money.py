"""Amounts of money: a Decimal and an ISO 4217 currency that never part."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from decimal import Decimal

from babel import Locale
from babel.numbers import format_currency

from cliqtel_portal import formats


@dataclass(frozen=True, kw_only=True)
class Money:
    amount: Decimal
    currency: str = "EUR"

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal) or not self.amount.is_finite():
            raise ValueError("amount must be a finite Decimal")

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(amount=self.amount * times, currency=self.currency)

    def __str__(self) -> str:
        # Without currency_digits=False babel rounds €0.0005 to €0.00.
        locale = formats.current().locale
        return format_currency(
            self.amount, self.currency, _pattern(locale), locale=locale, currency_digits=False
        )

    @property
    def plain(self) -> str:
        """The amount as on the wire: no exponent, at least two decimals, no needless zeros."""
        text = f"{self.amount:f}"
        whole, _, fraction = text.partition(".")
        return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


@functools.cache
def _pattern(locale: str) -> str:
    """The locale's own, with the decimals that prices per minute and per call have."""
    pattern: str = Locale.parse(locale).currency_formats["standard"].pattern
    return pattern.replace("0.00", "0.00####")
