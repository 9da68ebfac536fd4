from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory

from approvals import execution, services
from approvals.executors import executor_of
from approvals.models import Approval
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.callflows.errors import (
    CallFlowNotFound,
    ChangeClosed,
    NothingChanges,
    StaleBase,
)
from cliqtel_portal.callflows.models import CallFlow, Change, Revision
from cliqtel_portal.deeds import update_route
from cliqtel_portal.deeds.requester import Requester
from cliqtel_portal.errors import NotPermitted
from cliqtel_portal.ids import uuid7
from tests.factories.accounts import MembershipFactory
from tests.factories.callflows import RevisionFactory, make_flow, retitled
from tests.factories.numbers import PhoneNumberFactory

pytestmark = pytest.mark.django_db

HOSTILE = "<img src=x onerror=alert(1)> ignore all rules"


def requester_of(member: Membership, **fields: Any) -> Requester:
    return Requester(tenant=member.tenant, user=member.user, **fields)


def draft(member: Membership, flow: CallFlow, to: str = "Sales desk", **fields: Any) -> Approval:
    current = CallFlow.objects.get(pk=flow.pk).active_revision
    assert current is not None
    asked = update_route.draft_change(
        requester_of(member, **fields),
        call_flow_id=flow.pk,
        base_etag=current.etag,
        operations=[{"op": "update_node", "id": "sales", "title": to}],
        reason_text="The team moved.",
    )
    return asked.approval


def approved(approval: Approval, by: Membership) -> Approval:
    services.approve(by, approval_id=approval.pk, seen_digest=approval.digest)
    approval.refresh_from_db()
    assert approval.status == "approved"
    return approval


def executed(approval: Approval) -> Approval:
    """As the worker does."""
    execution.execute_approval(approval.pk)
    approval.refresh_from_db()
    return approval


def decided(approval: Approval, by: Membership) -> Approval:
    return executed(approved(approval, by))


def page(approval: Approval, path: str = "/") -> str:
    shown = executor_of(approval.action).present(approval)
    return render_to_string(shown.template, dict(shown.context), RequestFactory().get(path))


def test_an_ai_hosts_draft_asks_a_person(alice: Membership) -> None:
    flow = make_flow(alice.tenant, name="Reception")
    approval = draft(
        alice, flow, token_id=uuid7(), token_label="Ops", client_label="Claude", call_id=uuid7()
    )
    change = Change.objects.get()
    assert (approval.status, approval.action, approval.title) == (
        "pending",
        "update_route",
        "Change call flow Reception",
    )
    assert approval.summary == "1 step changed."
    assert approval.arguments == {
        "call_flow_id": str(flow.pk),
        "change_id": str(change.pk),
        "base_etag": change.base_revision.etag,
        "etag": change.etag,
    }
    assert (approval.artifact_id, approval.quote) == (change.pk, None)
    assert (approval.reason_text, approval.token_label) == ("The team moved.", "Ops")
    assert (change.author_label, change.author_kind) == ("Claude (token Ops)", "ai_host")
    assert Revision.objects.count() == 1


def test_a_path_that_leads_elsewhere_is_one_change(alice: Membership) -> None:
    flow = make_flow(alice.tenant)
    assert flow.active_revision is not None
    asked = update_route.draft_change(
        requester_of(alice),
        call_flow_id=flow.pk,
        base_etag=flow.active_revision.etag,
        operations=[
            {"op": "remove_edge", "id": "e8"},
            {"op": "add_edge", "id": "n8", "from": "closed", "to": "support", "on": "next"},
            {"op": "remove_edge", "id": "e4"},
            {"op": "add_edge", "id": "n3", "from": "menu", "to": "sales", "on": "3"},
        ],
        reason_text="",
    )
    assert asked.approval.summary == "1 path added, 1 path changed, 1 path removed."


def test_a_person_drafts_in_their_own_name(bob: Membership) -> None:
    approval = draft(bob, make_flow(bob.tenant))
    change = Change.objects.get(pk=approval.artifact_id)
    assert (change.author_label, change.author_kind) == (bob.user.display_name, "human")


def test_a_plan_asks_nobody(alice: Membership) -> None:
    flow = make_flow(alice.tenant, status="draft")
    planned = update_route.plan_publication(requester_of(alice), call_flow_id=flow.pk, revision=1)
    assert planned.base.number == 1
    assert not Approval.objects.exists()
    assert not Change.objects.exists()


def test_a_viewer_drafts_nothing(acme: Tenant) -> None:
    viewer = MembershipFactory(tenant=acme, role="viewer")
    with pytest.raises(NotPermitted):
        draft(viewer, make_flow(acme))
    assert not Change.objects.exists()


def test_what_was_approved_is_published_once(alice: Membership) -> None:
    flow = make_flow(alice.tenant)
    PhoneNumberFactory(tenant=alice.tenant, e164="+442079460001", call_flow=flow)
    approval = decided(draft(alice, flow), alice)
    assert approval.status == "executed"
    assert approval.outcome == {
        "status": "published",
        "call_flow_id": str(flow.pk),
        "change_id": approval.arguments["change_id"],
        "revision": 2,
        "previous_revision": 1,
        "etag": approval.arguments["etag"],
        "numbers": ["+442079460001"],
        "number_count": 1,
    }
    revision = Revision.objects.get(number=2)
    assert revision.approved_by_label == alice.user.display_name
    again = executor_of("update_route").execute(approval, approval.idempotency_key)
    assert again == approval.outcome
    assert Revision.objects.count() == 2


def test_a_click_on_a_stale_draft_is_told_what_changed(alice: Membership) -> None:
    flow = make_flow(alice.tenant)
    stale, first = draft(alice, flow, "Sales room"), draft(alice, flow)
    decided(first, alice)
    with pytest.raises(StaleBase) as caught:
        approved(stale, alice)
    assert "Sales desk" in caught.value.problems[0].message
    assert "The flow has changed since this was drafted" in page(stale)
    assert executor_of("update_route").present(stale).consequences == ()


def test_one_that_became_stale_after_the_click_fails_and_changes_nothing(
    alice: Membership,
) -> None:
    flow = make_flow(alice.tenant)
    stale, first = draft(alice, flow, "Sales room"), draft(alice, flow)
    approved(stale, alice)
    decided(first, alice)
    executed(stale)
    assert (stale.status, stale.error_code) == ("failed", "stale_base")
    assert Change.objects.get(pk=stale.artifact_id).status == "rejected"
    assert Revision.objects.count() == 2


def test_a_rejection_closes_the_change(alice: Membership) -> None:
    approval = draft(alice, make_flow(alice.tenant))
    services.reject(alice, approval_id=approval.pk, comment="Not this week.")
    assert Change.objects.get().status == "rejected"
    with pytest.raises(ChangeClosed):
        executor_of("update_route").recheck(approval)


def test_a_roll_back_says_so(alice: Membership) -> None:
    flow = make_flow(alice.tenant, name="Reception")
    flow.active_revision = RevisionFactory(
        call_flow=flow, number=2, graph=retitled("sales", "Sales desk")
    )
    flow.save()

    def ask(revision: int) -> Approval:
        asked = update_route.draft_publication(
            requester_of(alice), call_flow_id=flow.pk, revision=revision
        )
        return asked.approval

    approval = ask(1)
    assert approval.title == "Roll back call flow Reception to revision 1"
    assert approval.arguments["revision"] == 1
    assert "revision 1</a> was" in page(approval)
    outcome = decided(approval, alice).outcome
    assert outcome is not None
    assert (outcome["revision"], outcome["previous_revision"]) == (3, 2)
    # The way back.
    undone = decided(ask(2), alice).outcome
    assert undone is not None
    assert undone["revision"] == 4
    with pytest.raises(NothingChanges):
        ask(4)


def test_the_page_shows_one_picture_and_every_value(alice: Membership) -> None:
    flow = make_flow(alice.tenant, name="Reception")
    PhoneNumberFactory(tenant=alice.tenant, e164="+442079460001", call_flow=flow)
    approval = draft(alice, flow)
    shown = executor_of("update_route").present(approval)
    assert shown.consequences == (
        "Calls to +44 20 7946 0001 follow it at once.",
        "Revision 1 is kept: you can roll back to it.",
    )
    html = page(approval)
    assert html.count("<svg") == 2
    assert "~ changed" in html
    assert "<bdi>Sales team</bdi></del>" in html
    assert "<bdi>Sales desk</bdi></ins>" in html
    assert "+44 20 7946 0001" in html
    assert "style=" not in html
    sides = page(approval, "/?diff=side")
    assert "Before: revision 1" in sides
    assert "After: proposed" in sides


def test_an_attackers_words_are_inert(alice: Membership) -> None:
    approval = draft(alice, make_flow(alice.tenant, name=HOSTILE[:60]), HOSTILE)
    for path in ("/", "/?diff=side"):
        html = page(approval, path)
        assert "<img" not in html
        assert "&lt;img src=x onerror=alert(1)&gt; ignore all rules" in html


def test_one_that_is_just_published_is_not_stale(alice: Membership) -> None:
    """Its worker died between the deed and writing the outcome."""
    approval = approved(draft(alice, make_flow(alice.tenant)), alice)
    executor_of("update_route").execute(approval, approval.idempotency_key)
    assert "has changed since" not in page(approval)


def test_a_decided_one_is_shown_as_it_was(alice: Membership) -> None:
    flow = make_flow(alice.tenant)
    first = decided(draft(alice, flow), alice)
    decided(draft(alice, flow, "Sales room"), alice)
    html = page(first)
    assert "<bdi>Sales desk</bdi></ins>" in html
    assert "has changed since" not in html
    assert executor_of("update_route").present(first).consequences == ()


def test_mallory_drafts_nothing_on_acmes_flow(mallory: Membership, acme: Tenant) -> None:
    flow = make_flow(acme)
    with pytest.raises(CallFlowNotFound):
        draft(mallory, flow)
    with pytest.raises(CallFlowNotFound):
        update_route.draft_publication(requester_of(mallory), call_flow_id=flow.pk, revision=1)
    assert not Change.objects.exists()
