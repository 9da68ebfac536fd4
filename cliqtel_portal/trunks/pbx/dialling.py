"""How people dial in the country of a number: prefixes and emergency numbers."""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata

_EMERGENCY = ("112", "911", "999", "110", "113", "115", "117", "118", "15", "17", "18", "000")


@dataclass(frozen=True, kw_only=True)
class Dialling:
    country_code: str
    # Empty where the country has none, or more than one.
    international: str
    national: str
    emergency: tuple[str, ...]


def dialling_of(e164: str) -> Dialling:
    """Of the number's country: "00", "0" and 112 for +31, "011", "1" and 911 for +1."""
    parsed = phonenumbers.parse(e164)
    code = parsed.country_code or 0
    region = phonenumbers.region_code_for_number(
        parsed
    ) or phonenumbers.region_code_for_country_code(code)
    metadata = PhoneMetadata.metadata_for_region(region, None)
    return Dialling(
        country_code=str(code),
        international=_digits(metadata.international_prefix if metadata else None),
        national=_digits(metadata.national_prefix if metadata else None),
        emergency=tuple(
            short for short in _EMERGENCY if phonenumbers.is_emergency_number(short, region)
        ),
    )


def _digits(prefix: str | None) -> str:
    return prefix if prefix and prefix.isdigit() else ""
