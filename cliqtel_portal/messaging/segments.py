"""How long a text is on the air: what encoding it needs, and into how many parts it falls.

3GPP TS 23.038 section 6.2.1 (alphabet and extension table) and TS 23.040 section 9.2.3.24.1 (parts:
the header that joins them takes 7 septets or 6 octets of each).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

WHATSAPP_MAX_CHARACTERS = 4096

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each is an escape and a second septet.
_GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")


class Encoding(StrEnum):
    GSM7 = "gsm7"
    UCS2 = "ucs2"
    # WhatsApp's: no parts, no alphabets.
    UTF8 = "utf8"


# Units in a message of one part, and in each part of a longer one.
_CAPACITY = {Encoding.GSM7: (160, 153), Encoding.UCS2: (70, 67)}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """`units` are septets (GSM 7-bit), UTF-16 code units (UCS-2) or characters (WhatsApp)."""

    encoding: Encoding
    units: int
    segments: int
    # The characters that are not in the GSM alphabet, each once, in the order of the text.
    ucs2_characters: tuple[str, ...] = ()


def shape_of_sms(text: str) -> Shape:
    """Return what sending the text takes; an empty one takes one segment too."""
    foreign = tuple(
        dict.fromkeys(one for one in text if one not in _GSM7 and one not in _GSM7_EXTENSION)
    )
    encoding = Encoding.UCS2 if foreign else Encoding.GSM7
    widths = [_width(one, encoding) for one in text]
    units = sum(widths)
    single, part = _CAPACITY[encoding]
    return Shape(
        encoding=encoding,
        units=units,
        segments=1 if units <= single else _parts(widths, part),
        ucs2_characters=foreign,
    )


def shape_of_whatsapp(text: str) -> Shape:
    """One message, whatever is in it."""
    return Shape(encoding=Encoding.UTF8, units=len(text), segments=1)


def _width(character: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM7:
        return 2 if character in _GSM7_EXTENSION else 1
    return 2 if ord(character) > 0xFFFF else 1


def _parts(widths: Iterable[int], capacity: int) -> int:
    """What takes two units goes over to the next part as a whole: phones show a half as rubbish."""
    parts, used = 1, 0
    for width in widths:
        if used + width > capacity:
            parts, used = parts + 1, 0
        used += width
    return parts
