"""The form of static tokens, refused before any database is asked."""

from __future__ import annotations

import hashlib
import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_access import tokens

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
# Letters that look alike, a space, what shells and URLs add: all that a copy may go wrong by.
REPLACEMENTS = st.one_of(st.sampled_from(BASE62), st.characters())


def as_number(text: str) -> int:
    number = 0
    for character in text:
        number = number * 62 + BASE62.index(character)
    return number


def test_a_token_is_prefix_43_random_and_6_check_characters() -> None:
    token = tokens.generate()
    assert token.startswith("ct_mcp_")
    rest = token.removeprefix("ct_mcp_")
    assert len(rest) == 43 + 6
    assert set(rest) <= set(BASE62)
    assert tokens.has_valid_form(token)


def test_the_last_six_are_the_crc32_of_all_before() -> None:
    # Secret scanners compute it by themselves: prefix included, most significant digit first.
    for _ in range(50):
        token = tokens.generate()
        assert as_number(token[-6:]) == zlib.crc32(token[:-6].encode())


def test_a_token_made_elsewhere_by_that_rule_has_the_form() -> None:
    body = "ct_mcp_" + "Z" * 43
    check, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        check, digit = divmod(check, 62)
        digits = BASE62[digit] + digits
    assert tokens.has_valid_form(body + digits)


def test_the_random_part_holds_256_bits_and_does_not_repeat() -> None:
    assert 62**43 > 2**256
    made = {tokens.generate() for _ in range(1_000)}
    assert len(made) == 1_000
    for place in range(7, 50):
        assert len({token[place] for token in made}) > 40, place


@given(place=st.integers(0, 55), replacement=REPLACEMENTS)
def test_one_changed_character_is_refused(place: int, replacement: str) -> None:
    token = tokens.generate()
    changed = token[:place] + replacement + token[place + 1 :]
    assert tokens.has_valid_form(changed) is (changed == token)


@given(place=st.integers(0, 55), inserted=REPLACEMENTS)
def test_one_character_more_or_less_is_refused(place: int, inserted: str) -> None:
    token = tokens.generate()
    assert not tokens.has_valid_form(token[:place] + inserted + token[place:])
    assert not tokens.has_valid_form(token[:place] + token[place + 1 :])


@given(place=st.integers(7, 48))
def test_two_swapped_neighbours_are_refused(place: int) -> None:
    token = tokens.generate()
    swapped = token[:place] + token[place + 1] + token[place] + token[place + 2 :]
    assert tokens.has_valid_form(swapped) is (swapped == token)


@given(text=st.text())
def test_arbitrary_text_is_refused_and_never_raises(text: str) -> None:
    assert tokens.has_valid_form(text) is False
    assert tokens.has_valid_form(f"ct_mcp_{text}") is False


@pytest.mark.parametrize(
    "wrap",
    ["{}\n", "\n{}", " {}", "{} ", "Bearer {}", "{}\x00", "{}\u2028", '"{}"'],
)
def test_what_a_careless_copy_brings_along_is_refused(wrap: str) -> None:
    assert not tokens.has_valid_form(wrap.format(tokens.generate()))


def test_a_refresh_token_does_not_pass_as_a_bearer() -> None:
    token = tokens.generate()
    assert not tokens.has_valid_form(token.replace("ct_mcp_", "ct_mcpr_"))
    assert not tokens.has_valid_form(token.replace("ct_mcp_", "CT_MCP_"))


def test_other_digits_of_unicode_are_no_base62() -> None:
    assert not tokens.has_valid_form("ct_mcp_" + "\u0661" * 49)


def test_the_digest_is_sha256_in_hex() -> None:
    token = tokens.generate()
    assert tokens.digest(token) == hashlib.sha256(token.encode("ascii")).hexdigest()
    assert token[7:] not in tokens.digest(token)
