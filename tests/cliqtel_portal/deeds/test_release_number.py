from __future__ import annotations

import pytest
from django.template.loader import render_to_string

from approvals.errors import OwnRequest
from approvals.executors import executor_of
from approvals.models import Approval
from approvals.services import approve
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here, as the settings say
from cliqtel_portal.deeds.release_number import draft_release_number, plan_release_number
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted
from cliqtel_portal.numbers.errors import ReleaseBlocked
from cliqtel_portal.numbers.services.release import restore_number
from tests.factories.accounts import MembershipFactory
from tests.factories.call_flow_graphs import office_flow
from tests.factories.callflows import make_flow
from tests.factories.deeds import requester_of
from tests.factories.numbers import EmergencyAddressFactory, PhoneNumberFactory
from tests.factories.trunks import TrunkFactory


@pytest.fixture
def deed():
    return executor_of("release_number")


@pytest.fixture
def number(acme):
    return PhoneNumberFactory(tenant=acme, e164="+31205550001")


def draft(membership, number, confirm="+31 20 555 0001"):
    _, approval = draft_release_number(
        requester_of(membership), number=number.e164, confirm_number=confirm
    )
    return approval


def test_a_draft_says_what_stops_and_changes_nothing(acme, alice, number, deed):
    number.emergency_address = EmergencyAddressFactory(tenant=acme, label="HQ <b>")
    number.emergency_state = "pending"
    number.save()
    approval = draft(alice, number)
    assert approval.title == "Give up +31 20 555 0001"
    assert approval.arguments == {"number": "+31205550001", "quarantine_days": 30}
    shown = deed.present(approval)
    assert "stop at once" in shown.consequences[0]
    assert any("30 days" in line for line in shown.consequences)
    assert any("emergency address" in line for line in shown.consequences)
    assert shown.missing == ()
    html = render_to_string(shown.template, dict(shown.context))
    assert "HQ &lt;b&gt;" in html
    number.refresh_from_db()
    assert number.status == "active"


def test_another_person_than_the_requester_agrees(
    acme, alice, number, django_capture_on_commit_callbacks
):
    approval = draft(alice, number)
    carol = MembershipFactory(tenant=acme, role="approver")
    with pytest.raises(OwnRequest):
        approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    with django_capture_on_commit_callbacks(execute=True):
        approve(carol, approval_id=approval.pk, seen_digest=approval.digest)
    approval.refresh_from_db()
    number.refresh_from_db()
    assert (approval.status, number.status) == ("executed", "quarantine")
    told = f"{number.quarantine_until:%Y-%m-%dT%H:%M:%SZ}"
    assert approval.outcome == {
        "status": "quarantine",
        "number": "+31205550001",
        "quarantine_until": told,
    }


def test_the_deed_is_done_once_a_key(alice, number, deed):
    approval = draft(alice, number)
    outcome = deed.execute(approval, "approval:1")
    restore_number(alice, number_id=number.pk)
    assert deed.execute(approval, "approval:1") == outcome
    number.refresh_from_db()
    assert number.status == "active"


def test_the_number_is_typed_twice(alice, number):
    for confirm in ("+31205550002", "31205550001", ""):
        with pytest.raises(InvalidArguments) as caught:
            draft(alice, number, confirm)
        assert [problem.field for problem in caught.value.problems] == ["confirm_number"]
    assert not Approval.objects.exists()


def test_what_is_in_use_is_not_drafted(acme, alice, number):
    number.trunk = TrunkFactory(tenant=acme, name="HQ")
    number.save()
    graph = office_flow()
    graph["nodes"][0]["title"] = number.e164
    make_flow(acme, name="Front desk", graph=graph)
    make_flow(acme, name="Of nobody")
    with pytest.raises(ReleaseBlocked) as caught:
        draft(alice, number)
    told = [problem.message for problem in caught.value.problems]
    assert len(told) == 2
    assert "trunk “HQ”" in told[0]
    assert "call flow “Front desk” uses it" in told[1]
    assert "Front desk" in caught.value.message
    assert not Approval.objects.exists()


def test_what_comes_into_use_while_it_waits_is_caught(acme, alice, number, deed):
    approval = draft(alice, number)
    assert deed.recheck(approval) is None
    number.trunk = TrunkFactory(tenant=acme, name="HQ")
    number.save()
    with pytest.raises(ReleaseBlocked):
        deed.recheck(approval)
    with pytest.raises(ReleaseBlocked):
        deed.execute(approval, "approval:1")
    assert "trunk “HQ”" in deed.present(approval).missing[0]


def test_a_stranger_finds_no_number_and_a_viewer_drafts_nothing(acme, mallory, number):
    with pytest.raises(NotFound):
        draft(mallory, number)
    with pytest.raises(NotPermitted):
        draft(MembershipFactory(tenant=acme, role="viewer"), number)
    assert not Approval.objects.exists()


def test_a_plan_tells_blockers_and_drafts_nothing(acme, alice, number):
    number.trunk = TrunkFactory(tenant=acme)
    number.save()
    planned = plan_release_number(
        requester_of(alice), number=number.e164, confirm_number=number.e164
    )
    assert len(planned.blockers) == 1
    assert not Approval.objects.exists()
