"""How postcodes are written, country by country: a typing error in one sends help elsewhere."""

from __future__ import annotations

# One of each form that there is: digits and letters stand for any others, the rest for itself.
_EXAMPLES = {
    "AT": ("1010",),
    "AU": ("2000",),
    "BE": ("1000",),
    "CA": ("K1A 0B1",),
    "CH": ("8001",),
    "CZ": ("110 00",),
    "DE": ("10117",),
    "DK": ("1050",),
    "ES": ("28001",),
    "FI": ("00100",),
    "FR": ("75001",),
    "GB": ("SW1A 1AA", "M1 1AE", "M60 1NW", "CR2 6XH", "DN55 1PT", "W1A 1HQ"),
    "HU": ("1051",),
    "IT": ("00118",),
    "LU": ("1111",),
    "NL": ("1015 CV",),
    "NO": ("0150",),
    "PL": ("00-001",),
    "PT": ("1100-148",),
    "SE": ("111 20",),
    "SK": ("811 01",),
    "US": ("10036", "10036-4038"),
}


class NotAPostcode(Exception):
    """The message has an example of how it would be right."""


def as_written(country: str, text: str) -> str:
    """ "1015cv" is "1015 CV" in the Netherlands. As typed where we don't know how they look.

    Raises:
        NotAPostcode: it can't be one of that country.
    """
    examples = _EXAMPLES.get(country)
    if examples is None:
        return text
    typed = "".join(character for character in text.upper() if character not in " -")
    for example in examples:
        if _shape(typed) == _shape(example.replace(" ", "").replace("-", "")):
            rest = iter(typed)
            return "".join(character if character in " -" else next(rest) for character in example)
    raise NotAPostcode(f"Write it like {examples[0]}.")


def _shape(text: str) -> str:
    return "".join(
        ("9" if character.isdigit() else "A")
        if character.isascii() and character.isalnum()
        else character
        for character in text
    )
