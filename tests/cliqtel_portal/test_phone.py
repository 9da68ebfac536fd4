"""Telephone numbers as people write them, and as they are stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cliqtel_portal.phone import E164, NotANumber, display, mask_e164, national, normalise


@pytest.mark.parametrize(
    ("text", "country", "stored"),
    [
        ("+31201234567", None, "+31201234567"),
        ("+31 (0)20 123 4567", None, "+31201234567"),
        (" +31-20-123.4567 ", None, "+31201234567"),
        ("020 123 4567", "NL", "+31201234567"),
        ("00 31 20 123 4567", "DE", "+31201234567"),
        ("011 31 20 123 4567", "US", "+31201234567"),
        ("(415) 555-0123", "US", "+14155550123"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("06 698 12345", "IT", "+390669812345"),  # Italy keeps the 0
        ("\uff0b\uff13\uff11201234567", None, "+31201234567"),
        # Kept for fiction: possible, though libphonenumber calls some not valid.
        ("07700 900123", "GB", "+447700900123"),
        ("+12025550199", None, "+12025550199"),
    ],
)
def test_a_number_is_stored_as_e164(text: str, country: str | None, stored: str) -> None:
    assert normalise(text, country) == stored


@pytest.mark.parametrize(
    ("text", "country", "words"),
    [
        ("020 123 4567", None, "with its country code"),
        ("", "NL", "write it as"),
        ("Amsterdam", "NL", "write it as"),
        ("+999 123 4567", None, "write it as"),
        ("112", "NL", "Too long or too short"),
        ("+1415555012345", None, "Too long or too short"),
        # Germany's plan is open-ended: to libphonenumber both are possible.
        ("+491122", None, "Too long or too short"),
        ("+49" + "1" * 15, None, "Too long or too short"),
        ("9" * 300, "NL", "write it as"),
    ],
)
def test_what_is_no_number_says_what_to_write(text: str, country: str | None, words: str) -> None:
    with pytest.raises(NotANumber, match=words):
        normalise(text, country)


@given(
    text=st.one_of(st.text(), st.from_regex(r"\+?[0-9 ()/x;=-]{1,30}", fullmatch=True)),
    country=st.sampled_from([None, "NL", "DE", "US", "XX"]),
)
def test_whatever_comes_in_e164_or_a_refusal_comes_out(text: str, country: str | None) -> None:
    try:
        stored = normalise(text, country)
    except NotANumber:
        return
    assert E164.fullmatch(stored)
    assert stored.isascii()
    assert normalise(stored) == stored


@pytest.mark.parametrize(
    "text", ["+31201234567\n", "31201234567", "+0201234567", "+\u06631201234567"]
)
def test_e164_is_a_plus_and_ascii_digits(text: str) -> None:
    assert not E164.fullmatch(text)


def test_a_number_is_shown_internationally_or_nationally() -> None:
    assert display("+31201234567") == "+31 20 123 4567"
    assert national("+31201234567") == "020 123 4567"
    assert display("not a number") == national("not a number") == "not a number"


def test_a_number_is_masked_to_country_and_last_digits() -> None:
    assert mask_e164("+31201234567") == "+31*******67"
    assert mask_e164("call me on 0612345678") == "********"
