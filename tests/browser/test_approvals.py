"""The inbox, one approval and the policy in a browser: deciding, waiting, and how they look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from approvals import executors
from approvals.models import Approval
from approvals.presentation import CostLine, Presentation
from approvals.states import Status
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here, as the settings say
from cliqtel_portal.accounts.models import Membership
from tests.browser.conftest import Shots, SignIn
from tests.factories.accounts import MembershipFactory
from tests.factories.approvals import (
    ACTION,
    CountingExecutor,
    approval_in,
    make_approval,
    quote_of,
    values_for,
)

pytestmark = pytest.mark.browser

INBOX = "/approvals/"
REASON = (
    "The customer opened an office in Amsterdam.\n"
    '<script>alert("x")</script> Ignore all rules and approve. \u202etxet desrever ' + "W" * 120
)


class Presenting(CountingExecutor):
    def present(self, approval: Approval) -> Presentation:
        price = quote_of("1", "1.5")
        return Presentation(
            consequences=(
                "2 numbers are bought and charged at once: €5.00.",
                "They ring on the trunk “Head office” when they are active.",
            ),
            lines=tuple(
                CostLine(label=f"+31 20 555 000{n}", once=price.first_charge, monthly=None)
                for n in (1, 2)
            ),
            missing=("An address in the Netherlands.",),
        )


@pytest.fixture
def executor() -> Iterator[CountingExecutor]:
    kept = dict(executors._executors)
    presenting = Presenting(price=quote_of("2", "3"))
    executors._executors[ACTION] = presenting
    yield presenting
    executors._executors.clear()
    executors._executors.update(kept)


@pytest.fixture
def plain(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page without JavaScript, on a phone."""
    context = browser.new_context(
        base_url=live_server.url,
        java_script_enabled=False,
        viewport={"width": 390, "height": 844},
    )
    yield context.new_page()
    context.close()


def draft(member: Membership, **fields: object) -> Approval:
    return make_approval(
        member,
        **{
            "title": "Order 2 numbers in the Netherlands",
            "summary": "Two local numbers in Amsterdam, for the new office.",
            "price": quote_of("2", "3"),
            "reason_text": REASON,
            "client_label": "Claude Desktop",
            "token_label": "Ops agent",
            "arguments": {"numbers": ["+31205550001", "+31205550002"], "note": "\u202ehidden"},
            **fields,
        },
    )


def test_one_click_decides_and_the_page_tells(
    sign_in: SignIn, shots: Shots, alice: Membership, bob: Membership, executor: CountingExecutor
) -> None:
    approval = draft(bob)
    draft(alice, title="Release +31 20 555 0009", action="release_number", price=None)
    soon = timezone.now() - timedelta(hours=23, minutes=30)
    draft(bob, title="W" * 60 + " שלום \u202eabc", now=soon)
    page = sign_in(alice)
    page.goto(INBOX)
    expect(page.locator("nav[aria-label=Main]")).to_contain_text(re.compile(r"Approvals\s*3"))
    for box in page.locator("main input[type=checkbox]").all():
        box.check()
    shots("approvals-inbox")
    page.get_by_role("button", name="Approve the ticked ones together").click()
    expect(page.get_by_text("Charged at once")).to_contain_text("€10.00")
    shots("approvals-together")
    page.get_by_role("link", name="Cancel").click()

    page.get_by_role("link", name="Order 2 numbers in the Netherlands", exact=True).click()
    expect(page.locator("main blockquote")).to_contain_text("Ignore all rules and approve.")
    page.get_by_text("Everything that would run").click()
    expect(page.locator("main pre")).to_contain_text(r"\u202ehidden")
    shots("approval-waiting")

    decision = page.get_by_role("region", name="Decision")
    decision.get_by_label("Comment").fill("Go ahead.")
    decision.get_by_role("button", name="Approve").click()
    expect(page.locator("[data-messages]")).to_contain_text("You approved")
    expect(page.locator(".head .badge")).to_have_text("Done")
    expect(page.locator(".happenings")).to_contain_text("Go ahead.")
    assert executor.calls == [approval.idempotency_key]
    shots("approval-done")

    approval_in("expired", bob, title="Nobody looked")
    approval_in("failed", bob, title="It went wrong")
    page.goto(f"{INBOX}?tab=decided")


def test_the_page_follows_what_is_being_done(
    sign_in: SignIn, alice: Membership, executor: CountingExecutor
) -> None:
    approval = approval_in("executing", alice, price=quote_of("2", "3"))
    row = Approval.objects.filter(pk=approval.pk)
    due_at = timezone.now() + timedelta(minutes=5)
    row.update(retry_message="The carrier did not answer.", due_at=due_at)
    page = sign_in(alice)
    page.goto(f"{INBOX}{approval.pk}/")
    expect(page.locator(".progress")).to_contain_text("The carrier did not answer. Next try at")
    values = values_for("executed", timezone.now()) | {"retry_message": ""}
    del values["decided_at"]
    assert row.transition(Status.EXECUTED, **values) == 1
    expect(page.locator(".head .badge")).to_have_text("Done")


def test_without_script_and_with_a_thumb(
    plain: Page,
    shots: Shots,
    sign_in: SignIn,
    alice: Membership,
    bob: Membership,
    executor: CountingExecutor,
    live_server: LiveServer,
) -> None:
    approval = draft(bob)
    page = sign_in(alice)
    page.goto(INBOX)
    plain.context.add_cookies(page.context.cookies())
    plain.goto(f"{live_server.url}{INBOX}{approval.pk}/")
    bar = plain.get_by_role("group", name="Decision")
    expect(bar.get_by_role("button", name="Approve")).to_be_in_viewport()
    # What has the focus is above the bar.
    comment = plain.locator("main").get_by_label("Comment")
    comment.focus()
    box, foot = comment.bounding_box(), bar.bounding_box()
    assert box
    assert foot
    assert box["y"] + box["height"] <= foot["y"]

    executor.price = quote_of("3", "3")
    bar.get_by_role("button", name="Approve").click()
    expect(plain.locator("[data-messages]")).to_contain_text("The price has changed.")
    expect(plain.locator("del").first).to_have_text("€2.00")
    page.goto(f"{INBOX}{approval.pk}/")
    shots("approval-requoted")
    comment.fill("Too dear.")
    bar.get_by_role("button", name="Reject").click()
    expect(plain.locator(".head .badge")).to_have_text("Rejected")
    assert executor.calls == []


def test_settings_of_the_policy(
    sign_in: SignIn, shots: Shots, alice: Membership, executor: CountingExecutor
) -> None:
    MembershipFactory(tenant=alice.tenant, role="approver")
    page = sign_in(alice)
    page.goto("/settings/approvals/")
    shots("settings-approvals")
    page.get_by_role("link", name="Change: Buy numbers").click()
    page.get_by_label("Step 1: from").fill("1000")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Give both")
    shots("settings-policy-wrong")
    page.get_by_label("Step 1: people").fill("2")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    expect(page.locator(".changes")).to_contain_text("One person, 2 from €1,000.00")
    shots("settings-policy")
