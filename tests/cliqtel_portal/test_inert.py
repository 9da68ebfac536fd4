from __future__ import annotations

import pytest

from approvals.services import request_approval
from cliqtel_portal.inert import visible
from tests.factories.approvals import ACTION


@pytest.mark.parametrize("character", ["\u202e", "\u202a", "\u2066", "\u2069", "\U000e0041"])
def test_what_turns_or_hides_text_is_named(character):
    told = visible(f"pay {character}001 EUR")
    assert character not in told
    assert f"[U+{ord(character):04X}]" in told


@pytest.mark.parametrize("text", ["שלום\u200f!", "👩\u200d💻", "مرحبا", "<b>kept</b>\n", ""])
def test_what_languages_need_stays(text):
    assert visible(text) == text


def test_an_ai_hosts_reason_is_kept_in_readable_order(alice, executor):
    approval = request_approval(
        alice.tenant,
        requester=alice.user,
        action=ACTION,
        title="Order",
        arguments={"words": "\u202e"},
        reason_text="Pay \u202eRUE 1",
    )
    assert approval.reason_text == "Pay [U+202E]RUE 1"
    # What would run is kept as it was sent.
    assert approval.arguments == {"words": "\u202e"}
