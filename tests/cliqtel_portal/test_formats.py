"""How amounts, counts and dates are written."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from cliqtel_portal import formats
from cliqtel_portal.money import Money

MOMENT = datetime(2026, 7, 1, 22, 30)  # noqa: DTZ001 - already in the wanted zone


@pytest.mark.parametrize(
    ("code", "amount", "count", "moment"),
    [
        ("en-GB", "€1,234.50", "12,345", "1 Jul 2026, 22:30"),
        ("en-US", "€1,234.50", "12,345", "Jul 1, 2026, 10:30\u00a0PM"),
        ("nl-NL", "€\u00a01.234,50", "12.345", "1 Jul 2026, 22:30"),
        ("de-DE", "1.234,50\u00a0€", "12.345", "01.07.2026, 22:30"),
        ("de-CH", "EUR\u00a01\u2019234.50", "12\u2019345", "01.07.2026, 22:30"),
        ("fr-FR", "1\u202f234,50\u00a0€", "12\u202f345", "1 Jul 2026, 22:30"),
        ("sv-SE", "1\u00a0234,50\u00a0€", "12\u00a0345", "2026-07-01, 22:30"),
        ("tlh", "€1,234.50", "12,345", "1 Jul 2026, 22:30"),
    ],
)
def test_each_form_is_that_of_its_country(code: str, amount: str, count: str, moment: str) -> None:
    with formats.written_as(code):
        assert str(Money(amount=Decimal("1234.5"))) == amount
        assert formats.count(12_345) == count
        assert formats.day_and_time(MOMENT) == moment


def test_a_log_has_the_seconds_and_breaks_before_the_time_only() -> None:
    assert formats.day_and_second(MOMENT) == f"1\u00a0Jul\u00a02026, 22:30:{MOMENT:%S}"
    with formats.written_as("en-US"):
        assert formats.day_and_second(MOMENT).endswith(f", 10:30:{MOMENT:%S}\u00a0PM")


def test_small_prices_keep_their_decimals_in_every_form() -> None:
    for code in formats.FORMATS:
        with formats.written_as(code):
            assert "0005" in str(Money(amount=Decimal("0.0005")))


def test_the_form_ends_with_its_block_and_never_touches_the_wire() -> None:
    with formats.written_as("de-DE"):
        assert Money(amount=Decimal("1234.5")).plain == "1234.50"
    assert formats.current() is formats.DEFAULT
