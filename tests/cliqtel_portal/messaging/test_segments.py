from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cliqtel_portal.messaging.segments import Encoding, shape_of_sms, shape_of_whatsapp

EVERY_GSM7_CHARACTER = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "gsm7", 0, 1),
        ("Hello", "gsm7", 5, 1),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("€" * 81, "gsm7", 162, 2),
        # 152 septets, then an escape that doesn't fit into the 153rd: it goes over as a whole.
        ("a" * 152 + "€" + "a" * 151, "gsm7", 305, 2),
        ("a" * 152 + "€" + "a" * 152, "gsm7", 306, 3),
        ("ж" * 70, "ucs2", 70, 1),
        ("ж" * 71, "ucs2", 71, 2),
        ("ж" * 134, "ucs2", 134, 2),
        ("ж" * 135, "ucs2", 135, 3),
        ("😀" * 35, "ucs2", 70, 1),
        # 67 units hold 33 pairs: the odd unit stays empty.
        ("😀" * 66, "ucs2", 132, 2),
        ("😀" * 67, "ucs2", 134, 3),
        # c with a cedilla: only its capital is in the alphabet.
        ("Ç", "gsm7", 1, 1),
        ("ç", "ucs2", 1, 1),
        ("a\tb", "ucs2", 3, 1),
    ],
)
def test_known_lengths(text: str, encoding: str, units: int, segments: int) -> None:
    shape = shape_of_sms(text)
    assert (shape.encoding, shape.units, shape.segments) == (encoding, units, segments)


def test_the_alphabet_is_complete() -> None:
    assert len(set(EVERY_GSM7_CHARACTER)) == 127  # and the escape
    assert shape_of_sms(EVERY_GSM7_CHARACTER).units == 127
    assert shape_of_sms(EXTENSION).units == 2 * len(EXTENSION)
    assert shape_of_sms(EVERY_GSM7_CHARACTER + EXTENSION).encoding is Encoding.GSM7


def test_the_characters_that_make_it_expensive_are_named_once_in_order() -> None:
    assert shape_of_sms("naïve “quotes” ï").ucs2_characters == ("ï", "“", "”")
    assert shape_of_sms("plain [text] €").ucs2_characters == ()


def test_whatsapp_has_no_segments() -> None:
    shape = shape_of_whatsapp("😀" * 1000)
    assert (shape.encoding, shape.units, shape.segments) == ("utf8", 1000, 1)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("aé€ж😀"), max_size=400))
def test_a_text_cut_by_hand_needs_as_many_segments(text: str) -> None:
    """Cut greedily into strings that fit, so nothing is ever split: the count is the same."""
    shape = shape_of_sms(text)
    is_ucs2 = any(one in "ж😀" for one in text)

    def units(part: str) -> int:
        return len(part.encode("utf-16-be")) // 2 if is_ucs2 else len(part) + part.count("€")

    single, each = (70, 67) if is_ucs2 else (160, 153)
    parts = [text]
    if units(text) > single:
        parts = [""]
        for one in text:
            if units(parts[-1] + one) > each:
                parts.append("")
            parts[-1] += one
    assert "".join(parts) == text
    assert (shape.units, shape.segments) == (units(text), len(parts))
