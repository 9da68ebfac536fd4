"""ISO 3166-1 countries: names and flags."""

from __future__ import annotations

import functools

from babel import Locale


@functools.cache
def _names() -> dict[str, str]:
    territories = Locale("en", "GB").territories
    return {code: str(name) for code, name in territories.items() if len(code) == 2}


def is_country(code: str) -> bool:
    """Whether the upper-case code names a country (ZZ, EU and such do not)."""
    return code in _names() and code not in {"ZZ", "EU", "EZ", "UN", "XA", "XB", "QO"}


def country_name(code: str) -> str:
    return _names().get(code, code)


def country_flag(code: str) -> str:
    """The flag as a pair of regional indicator characters; shown beside the name, never alone."""
    return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in code) if code else ""
