from __future__ import annotations

import uuid

import pytest

from approvals.executors import executor_of
from approvals.models import Approval
from cliqtel_portal.deeds.assign_number import draft_assign_number
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted
from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.errors import ConnectionChanged, NumberUnavailable
from tests.factories.accounts import MembershipFactory
from tests.factories.approvals import past_the_triggers
from tests.factories.callflows import make_flow
from tests.factories.deeds import requester_of
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

HOSTILE = 'HQ" <script>alert(1)</script>\u202e'


@pytest.fixture
def deed():
    return executor_of("assign_number")


@pytest.fixture
def number(acme):
    return PhoneNumberFactory(
        tenant=acme, e164="+31205550001", trunk=TrunkFactory(tenant=acme, name="HQ")
    )


def draft(membership, number, flow):
    _, approval = draft_assign_number(
        requester_of(membership),
        number=number.e164,
        target_kind="call_flow",
        target_id=flow.pk,
        reason_text="Because you said so",
    )
    return approval


def test_a_draft_shows_before_and_after_and_changes_nothing(acme, bob, number, deed):
    flow = make_flow(acme, name="Sales")
    approval = draft(bob, number, flow)
    assert approval.title == "Connect +31 20 555 0001 to call flow “Sales”"
    assert approval.summary.endswith("go to call flow “Sales” instead of trunk “HQ”.")
    assert (approval.quote, approval.artifact_id) == (None, number.pk)
    assert approval.reason_text == "Because you said so"
    shown = deed.present(approval)
    assert shown.context["before"].name == "HQ"
    assert shown.context["after"].place_id == flow.pk
    assert "new calls at once" in shown.consequences[0]
    assert (shown.lines, shown.missing) == ((), ())
    number.refresh_from_db()
    assert number.call_flow_id is None
    assert not NumberChange.objects.exists()


def test_the_deed_is_done_once_a_key(acme, alice, number, deed):
    flow = make_flow(acme)
    trunk_id = number.trunk_id
    approval = draft(alice, number, flow)
    assert deed.recheck(approval) is None
    outcome = deed.execute(approval, "approval:1")
    assert outcome["status"] == "assigned"
    assert outcome["previous"]["id"] == str(trunk_id)
    number.refresh_from_db()
    assert number.call_flow_id == flow.pk
    assert deed.execute(approval, "approval:1") == outcome
    change = NumberChange.objects.get()
    assert (change.approval_id, change.by_label) == (approval.pk, alice.user.display_name)


def test_a_number_written_with_spaces_is_the_same(alice, number, deed):
    _, approval = draft_assign_number(
        requester_of(alice), number="+31 20 555 0001", target_kind="none"
    )
    assert approval.arguments["number"] == "+31205550001"
    assert approval.title == "Disconnect +31 20 555 0001"
    assert approval.summary == (
        "Calls to +31 20 555 0001 are rejected instead of going to trunk “HQ”."
    )
    assert any("not in use" in line for line in deed.present(approval).consequences)
    assert deed.execute(approval, "approval:1")["status"] == "disconnected"


def test_what_changes_while_it_waits_is_caught(acme, alice, number, deed):
    flow = make_flow(acme)
    approval = draft(alice, number, flow)
    number.trunk = TrunkFactory(tenant=acme, name="Elsewhere")
    number.save()
    with pytest.raises(ConnectionChanged, match="Elsewhere"):
        deed.recheck(approval)
    with pytest.raises(ConnectionChanged):
        deed.execute(approval, "approval:1")
    assert deed.present(approval).missing
    number.trunk, number.status = None, "quarantine"
    number.quarantine_until = approval.expires_at
    number.save()
    with pytest.raises(NumberUnavailable):
        deed.recheck(approval)
    assert not NumberChange.objects.exists()


def test_a_target_that_died_meanwhile_is_caught(acme, alice, number, deed):
    flow = make_flow(acme)
    approval = draft(alice, number, flow)
    flow.status = "archived"
    flow.save()
    with pytest.raises(InvalidArguments):
        deed.recheck(approval)
    assert "Calls would be rejected" in deed.present(approval).missing[0]


def test_a_page_of_one_that_is_over_asks_nothing_any_more(acme, alice, number, deed):
    approval = draft(alice, number, make_flow(acme))
    deed.execute(approval, "approval:1")
    past_the_triggers(
        Approval.objects.filter(pk=approval.pk), status="expired", decided_at=approval.created_at
    )
    approval.refresh_from_db()
    shown = deed.present(approval)
    assert (shown.missing, shown.context["before"].name) == ((), "HQ")


def test_text_of_the_tenant_is_inert_on_the_page(acme, alice, number, deed):
    from django.template.loader import render_to_string

    trunk = TrunkFactory(tenant=acme, name=HOSTILE)
    _, approval = draft_assign_number(
        requester_of(alice), number=number.e164, target_kind="trunk", target_id=trunk.pk
    )
    shown = deed.present(approval)
    html = render_to_string(shown.template, dict(shown.context))
    assert "<script>" not in html
    assert f"<bdi>{HOSTILE[:2]}" in html


def test_a_stranger_finds_neither_number_nor_target(acme, mallory, number):
    with pytest.raises(NotFound):
        draft_assign_number(requester_of(mallory), number=number.e164, target_kind="none")
    own = PhoneNumberFactory(tenant=mallory.tenant)
    with pytest.raises(NotFound):
        draft_assign_number(
            requester_of(mallory),
            number=own.e164,
            target_kind="trunk",
            target_id=number.trunk_id,
        )
    assert not Approval.objects.exists()


def test_who_only_looks_drafts_nothing(acme, number):
    viewer = MembershipFactory(tenant=acme, role="viewer")
    with pytest.raises(NotPermitted):
        draft_assign_number(requester_of(viewer), number=number.e164, target_kind="none")
    assert not Approval.objects.exists()


@pytest.mark.parametrize("text", ["020 555 0001", "hello", "+31"])
def test_what_is_no_number_is_told(alice, text):
    with pytest.raises(InvalidArguments) as caught:
        draft_assign_number(
            requester_of(alice), number=text, target_kind="trunk", target_id=uuid.uuid4()
        )
    assert caught.value.problems[0].field == "number"
