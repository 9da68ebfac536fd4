"""Amounts: exact, with their currency, small ones too."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cliqtel_portal.money import Money

AMOUNTS = st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=6)


def euros(amount: str) -> Money:
    return Money(amount=Decimal(amount))


@pytest.mark.parametrize(
    ("amount", "shown", "plain"),
    [
        ("0.0005", "€0.0005", "0.0005"),
        ("0.000001", "€0.000001", "0.000001"),
        ("0", "€0.00", "0.00"),
        ("12.5", "€12.50", "12.50"),
        ("12.500000", "€12.50", "12.50"),
        ("1E+3", "€1,000.00", "1000.00"),
        ("5E-4", "€0.0005", "0.0005"),
        ("1234567.89", "€1,234,567.89", "1234567.89"),
        ("-3", "-€3.00", "-3.00"),
    ],
)
def test_an_amount_is_shown_and_sent_without_loss(amount: str, shown: str, plain: str) -> None:
    assert str(euros(amount)) == shown
    assert euros(amount).plain == plain


def test_the_currency_is_shown() -> None:
    assert str(Money(amount=Decimal("4"), currency="USD")) == "US$4.00"
    assert str(Money(amount=Decimal("4"), currency="GBP")) == "£4.00"


@given(amount=AMOUNTS)
def test_the_wire_form_is_the_very_amount(amount: Decimal) -> None:
    plain = Money(amount=amount).plain
    assert Decimal(plain) == amount
    assert len(plain.partition(".")[2]) >= 2
    assert "E" not in plain


def test_a_month_of_overage_adds_up_exactly() -> None:
    assert euros("0.0005") * 100_000 == euros("50")
    assert euros("0.1") + euros("0.2") == euros("0.3")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot add USD to EUR"):
        euros("1") + Money(amount=Decimal("1"), currency="USD")
    assert euros("1") != Money(amount=Decimal("1"), currency="USD")


@pytest.mark.parametrize("amount", [0.1, 1, "1", Decimal("NaN"), Decimal("Infinity")])
def test_only_finite_decimals_are_amounts(amount: object) -> None:
    with pytest.raises(ValueError, match="finite Decimal"):
        Money(amount=amount)  # type: ignore[arg-type]
