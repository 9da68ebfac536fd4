"""A message over the limit in a browser: the limit is set, the draft is read, approved and sent."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.messaging.models import Message
from mcp_access.pipeline import execute_tool_call_sync
from tests.browser.conftest import Shots, SignIn
from tests.factories.mcp_access import EVERY_SCOPE, principal_of

pytestmark = pytest.mark.browser

# Scripts, a link, a line from right to left, and a mark that turns what follows it around.
TEXT = (
    "Hi <b>Anna</b>, your code is 4711.\n\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}! "
    "http://evil.example \u202ereversed\u202c"
    "<script>alert(1)</script>"
)


def test_a_message_over_the_limit_is_read_and_approved(
    sign_in: SignIn, olivia: Membership, shots: Shots
) -> None:
    page = sign_in(olivia)
    page.goto("/settings/messaging/")
    page.get_by_label("Messages a day").fill("2")
    page.get_by_label("Amount a day").fill("1.50")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("2 messages and €1.50 a day")).to_be_visible()
    shots("messaging-limit")

    page.goto("/messaging/opt-outs/")
    page.get_by_label("Who wants no messages").fill("+447700900154")
    page.get_by_label("From your number").select_option("+44 7700 900900")
    page.get_by_role("button", name="Add opt-out").click()
    expect(page.get_by_text("+44 7700 900154 gets no more messages.")).to_be_visible()

    receivers = [f"+4477009001{n}" for n in range(50, 63)]
    answer = execute_tool_call_sync(
        principal_of(olivia, scopes=EVERY_SCOPE),
        "send_message",
        {
            "from_number": "+447700900900",
            "to": receivers,
            "text": TEXT,
            "idempotency_key": "browser-1",
            "reason": "They asked for their codes.",
        },
    )
    assert answer.result.status == "pending_approval"
    page.goto("/messaging/")
    page.get_by_role("link", name="SMS to 12 people").click()
    shown = TEXT.replace("\u202e", "[U+202E]").replace("\u202c", "[U+202C]")
    expect(page.locator(".bubble")).to_have_text(shown, use_inner_text=True)
    assert page.locator(".bubble *").count() == 0
    expect(page.get_by_text("right-to-left override")).to_be_visible()
    shots("messaging-approval")
    page.get_by_role("button", name="Approve").first.click()
    expect(page.get_by_text("Approved").first).to_be_visible()

    page.goto("/messaging/")
    expect(page.get_by_text("Nothing waits.")).to_be_visible()
    assert Message.objects.filter(batch__approval_id__isnull=False).count() == 12
    page.get_by_role("region", name="Messages").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("SMS to 12 people")
