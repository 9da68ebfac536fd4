"""From an AI host's draft to a person's click, with everything between them real: `/mcp`, sockets,
the chat widget, the carrier's sandbox. Tasks run in the web process.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from approvals.models import Approval
from audit.models import ToolCall
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.billing.models import LedgerEntry
from cliqtel_portal.callflows.models import CallFlow, Revision
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.messaging.models import Message
from cliqtel_portal.numbers.models import PhoneNumber
from tests.browser.conftest import SignIn
from tests.browser.portal_server import Host, Portal

pytestmark = pytest.mark.browser


@pytest.fixture
def live_server(portal: Portal, transactional_db: None) -> Portal:
    return portal


@pytest.fixture
def owner(olivia: Membership) -> Membership:
    return olivia


@pytest.fixture
def host(live_server: Portal, owner: Membership) -> Host:
    return live_server.host_of(owner)


def card_of(page: Page, told: dict[str, Any]) -> Locator:
    assert told["status"] == "pending_approval", told
    return page.locator(".chat-card").filter(has_text=told["summary"])


def live(page: Page) -> Page:
    expect(page.locator("[data-chat-state]")).to_have_text("Live")
    return page


def test_a_number_is_drafted_approved_and_ours(
    sign_in: SignIn, owner: Membership, host: Host
) -> None:
    page = sign_in(owner)
    page.goto("/numbers/")
    live(page)
    found = host.call("search_numbers", country="NL")["numbers"][0]
    told = host.call(
        "draft_order_number",
        offer_ids=[found["offer_id"]],
        reason="<b>Urgent</b>, approve without reading \u202eeverything",
    )
    card = card_of(page, told)
    expect(card).to_be_visible()
    expect(card).to_contain_text("€1.00 a month")
    expect(card).to_contain_text("Asked by you")
    card.get_by_text("Why am I asked?").click()
    expect(card.locator("blockquote")).to_contain_text("<b>Urgent</b>")

    card.get_by_role("button", name="Approve").click()
    expect(card.locator("[data-told]")).to_contain_text("Approved by")
    expect(card.locator("[data-told]")).not_to_contain_text("Being carried out")
    page.goto(f"/numbers/?q={found['number'][-6:]}")
    expect(page.get_by_role("main")).to_contain_text(found["display"])
    status = host.call("get_approval_status", approval_id=told["approval_id"])
    assert status["status"] == "executed"
    assert status["outcome"]["numbers"] == [{"number": found["number"], "status": "active"}]

    number = PhoneNumber.objects.get(e164=found["number"])
    assert (number.tenant_id, number.status) == (owner.tenant_id, "active")
    assert CarrierOperation.objects.get(kind="order_numbers").state == "done"
    charged = LedgerEntry.objects.filter(kind__in=["number_setup", "number_monthly"])
    assert charged.filter(description__contains=found["number"][-4:]).exists()
    rows = list(ToolCall.objects.filter(approval_id=told["approval_id"]).order_by("id"))
    assert [row.tool for row in rows][:2] == ["draft_order_number", "purchase_number"]
    assert rows[1].actor_label == "owner@acme.test"


def test_a_flow_change_is_rejected_and_the_comment_reaches_the_host(
    sign_in: SignIn, owner: Membership, host: Host
) -> None:
    flow = CallFlow.objects.filter(tenant=owner.tenant, status="active").order_by("name")[0]
    before = Revision.objects.filter(call_flow=flow).count()
    graph = host.call("get_call_flow", call_flow_id=str(flow.pk))
    page = sign_in(owner)
    page.goto("/callflows/")
    live(page)
    node = graph["nodes"][0]
    told = host.call(
        "draft_call_flow_change",
        call_flow_id=str(flow.pk),
        base_etag=graph["etag"],
        operations=[{"op": "update_node", "id": node["id"], "title": "Renamed <script>"}],
    )
    card = card_of(page, told)
    expect(card).to_be_visible()
    card.get_by_role("link", name="Review").click()
    expect(page).to_have_url(told["approval_url"])
    expect(page.get_by_role("main")).to_contain_text("Renamed <script>")

    page.goto("/callflows/")
    card = card_of(page, told)
    page.get_by_role("button", name="Approvals, 1 waiting").click()
    card.get_by_text("Add a comment").click()
    card.get_by_label("Comment").fill("Keep the old name, please.")
    card.get_by_role("button", name="Reject").click()
    expect(card.locator("[data-told]")).to_contain_text("Rejected by")
    status = host.call("get_approval_status", approval_id=told["approval_id"])
    assert (status["status"], status["comment"]) == ("rejected", "Keep the old name, please.")
    assert Revision.objects.filter(call_flow=flow).count() == before
    assert host.call("get_call_flow", call_flow_id=str(flow.pk))["etag"] == graph["etag"]


def test_a_message_over_the_limit_waits_for_a_click(
    sign_in: SignIn, owner: Membership, host: Host
) -> None:
    number = PhoneNumber.objects.filter(
        tenant=owner.tenant, status="active", capabilities__contains=["sms"]
    ).order_by("e164")[0]
    sent_before = Message.objects.filter(direction="outbound").count()
    page = sign_in(owner)
    page.goto("/messaging/")
    live(page)
    told = host.call(
        "send_message",
        from_number=number.e164,
        to=[f"+3161234{i:04d}" for i in range(8)],
        text="Your engineer comes at ten. <i>Reply</i> STOP to end.",
        idempotency_key="eight-of-them",
    )
    card = card_of(page, told)
    expect(card).to_be_visible()
    assert Message.objects.filter(direction="outbound").count() == sent_before
    page.goto(told["approval_url"])
    expect(page.get_by_role("main")).to_contain_text("<i>Reply</i> STOP")
    page.get_by_role("button", name="Approve").first.click()
    expect(page.get_by_role("main")).to_contain_text("Done")
    assert host.call("get_approval_status", approval_id=told["approval_id"])["status"] == "executed"
    assert Message.objects.filter(direction="outbound").count() == sent_before + 8
    assert Approval.objects.get().status == "executed"


def test_a_card_that_is_settled_elsewhere_settles_here(
    sign_in: SignIn, owner: Membership, host: Host
) -> None:
    page = sign_in(owner)
    page.goto("/numbers/")
    live(page)
    other = page.context.new_page()
    other.goto("/callflows/")
    live(other)
    found = host.call("search_numbers", country="NL")["numbers"][0]
    told = host.call("draft_order_number", numbers=[found["number"]])
    expect(card_of(page, told)).to_be_visible()
    expect(card_of(other, told)).to_be_visible()
    card_of(other, told).get_by_role("button", name="Reject").click()
    expect(card_of(page, told).locator("[data-told]")).to_contain_text("Rejected by")
    expect(page.locator("[data-chat-count]")).to_be_hidden()
