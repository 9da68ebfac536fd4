"""Parts of numbers as people write them, turned into conditions on `StockNumber.national`.

Patterns hold for the national significant number: a country code that is written is checked
against the country and cut off, and so is the trunk prefix ("020" in the Netherlands is "20").
"""

from __future__ import annotations

import re

import phonenumbers
from django.db.models import Q

_WRITTEN = re.compile(r"[0-9A-Za-z ()./+-]+")
_NOTHING = Q(pk__in=[])
_EVERYTHING = Q()


class NotAPattern(ValueError):
    """The text has no digits, or characters no number has; str() says what to write."""


def starts_with(text: str, country: str) -> Q:
    """Raises NotAPattern."""
    digits = _digits(text)
    if _is_international(text):
        return _international(digits, country)
    return Q(national__startswith=_without_trunk_prefix(digits, country))


def contains(text: str, country: str) -> Q:
    """Raises NotAPattern."""
    digits = _digits(text)
    if _is_international(text):
        return _international(digits, country)
    anywhere = Q(national__contains=digits)
    bare = _without_trunk_prefix(digits, country)
    # "020 12" may be digits in the middle, or a number as dialled inside the country.
    return anywhere if bare == digits else anywhere | Q(national__startswith=bare)


def ends_with(text: str, country: str) -> Q:
    """Raises NotAPattern."""
    return Q(national__endswith=_digits(text))


def area(text: str, country: str) -> Q:
    """A city, or part of its name, or an area code with or without the trunk prefix."""
    code = text.strip("+ ()").replace(" ", "").replace("-", "")
    if code.isascii() and code.isdigit():
        calling_code = str(phonenumbers.country_code_for_region(country))
        if _is_international(text) and code.startswith(calling_code):
            code = code.removeprefix(calling_code)
        return Q(area_code=_without_trunk_prefix(code, country))
    return Q(area__icontains=text)


def of_any_country(text: str) -> Q:
    """Part of an owned number: the digits anywhere in its E.164 form, or as dialled nationally.

    Raises NotAPattern.
    """
    digits = _digits(text)
    if _is_international(text):
        return Q(e164__startswith=f"+{digits}")
    found = Q(e164__contains=digits)
    bare = digits.lstrip("0")
    return found | Q(e164__contains=bare) if digits.startswith("0") and bare else found


def _digits(text: str) -> str:
    """The digits, letters as on a keypad ("TAXI" is 8294)."""
    if not _WRITTEN.fullmatch(text):
        raise NotAPattern("Write digits, for example 0123; spaces and dashes don't matter.")
    keyed = phonenumbers.convert_alpha_characters_in_number(text)
    digits = re.sub(r"[^0-9]", "", keyed)
    if not digits:
        raise NotAPattern("Write at least one digit.")
    return digits


def _is_international(text: str) -> bool:
    return text.lstrip(" (").startswith("+")


def _international(digits: str, country: str) -> Q:
    code = str(phonenumbers.country_code_for_region(country))
    if digits.startswith(code):
        rest = digits.removeprefix(code)
        return Q(national__startswith=rest) if rest else _EVERYTHING
    return _EVERYTHING if code.startswith(digits) else _NOTHING


def _without_trunk_prefix(digits: str, country: str) -> str:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    prefix = metadata.national_prefix if metadata is not None else None
    if prefix and len(digits) > len(prefix):
        return digits.removeprefix(prefix)
    return digits
