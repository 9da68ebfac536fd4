"""Telephone numbers: stored as E.164, shown internationally, accepted as people write."""

from __future__ import annotations

import re

import phonenumbers

E164 = re.compile(r"^\+[1-9][0-9]{6,14}$")


class NotANumber(ValueError):
    """The text is no telephone number; str() says what to write instead."""


def normalise(text: str, country: str | None = None) -> str:
    """Return E.164. National forms ("020 794 6000") need the `country` (ISO 3166-1).

    Ranges kept for fiction are not "valid" to libphonenumber but possible: those pass.

    Raises:
        NotANumber: not a possible number of the country.
    """
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        raise NotANumber(
            "Not a telephone number: write it as +31201234567, with its country code."
        ) from error
    if not phonenumbers.is_possible_number(parsed):
        raise NotANumber("Too long or too short for a telephone number of its country.")
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if not E164.fullmatch(e164):
        # To libphonenumber 49 and 15 more digits are possible: Germany's plan is open-ended.
        raise NotANumber("Too long or too short for a telephone number.")
    return e164


def display(e164: str) -> str:
    """Return the international form, "+31 20 123 4567"; the text itself if it can't be parsed."""
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def mask_e164(number: str) -> str:
    """Keep country and last two digits: "+31*******67". What is no number stays out altogether."""
    if not E164.match(number):
        return "*" * min(len(number), 8)
    return f"{number[:3]}{'*' * (len(number) - 5)}{number[-2:]}"


def national(e164: str) -> str:
    """Return the form people dial inside the country, "020 123 4567"."""
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
