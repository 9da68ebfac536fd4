from __future__ import annotations

import pytest

from approvals.errors import OwnRequest
from approvals.models import Approval
from approvals.services import approve
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here
from cliqtel_portal.accounts.permissions import scopes_of_role
from cliqtel_portal.errors import PortalError
from mcp_access.pipeline import execute_tool_call_sync
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import EVERY_SCOPE, principal_of
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory


@pytest.fixture
def number(acme):
    return PhoneNumberFactory(tenant=acme, e164="+31205550001")


def call(principal, number, **arguments):
    values = {
        "number": number.e164,
        "confirm_number": number.e164,
        "idempotency_key": "key-12345",
        **arguments,
    }
    return execute_tool_call_sync(principal, "release_number", values)


def test_the_tokens_own_person_never_agrees_alone(
    acme, alice, number, django_capture_on_commit_callbacks
):
    carol = MembershipFactory(tenant=acme, role="approver")
    answer = call(principal_of(alice, scopes=EVERY_SCOPE), number, reason="It is unused")
    assert answer.result.status == "pending_approval"
    assert (answer.result.quarantine_days, answer.result.cost) == (30, None)
    approval = Approval.objects.get()
    with pytest.raises(OwnRequest):
        approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    with django_capture_on_commit_callbacks(execute=True):
        approve(carol, approval_id=approval.pk, seen_digest=approval.digest)
    approval.refresh_from_db()
    number.refresh_from_db()
    assert (approval.status, number.status) == ("executed", "quarantine")
    assert approval.outcome["quarantine_until"] == f"{number.quarantine_until:%Y-%m-%dT%H:%M:%SZ}"


def test_a_dry_run_lists_what_blocks_and_the_call_refuses_with_it(acme, alice, number):
    number.trunk = TrunkFactory(tenant=acme, name="HQ")
    number.save()
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    answer = call(principal, number, dry_run=True)
    assert (answer.result.status, answer.result.dry_run) == ("ok", True)
    assert answer.result.blockers == ["It is connected to trunk “HQ”. Disconnect it first."]
    with pytest.raises(PortalError) as caught:
        call(principal, number)
    assert caught.value.code == "release_blocked"
    assert "trunk “HQ”" in caught.value.problems[0].message
    assert not Approval.objects.exists()


def test_another_number_is_no_confirmation(alice, number):
    with pytest.raises(PortalError) as caught:
        call(principal_of(alice, scopes=EVERY_SCOPE), number, confirm_number="+31205550002")
    assert caught.value.code == "invalid_arguments"
    assert [problem.field for problem in caught.value.problems] == ["confirm_number"]
    assert not Approval.objects.exists()


def test_a_repeat_with_the_same_key_asks_once(alice, number):
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    first, again = call(principal, number), call(principal, number)
    assert again.result.approval_id == first.result.approval_id
    assert Approval.objects.count() == 1


def test_neither_a_member_nor_a_stranger_may(bob, mallory, number):
    with pytest.raises(PortalError) as caught:
        call(principal_of(bob, scopes=tuple(scopes_of_role(bob.role))), number)
    assert caught.value.code == "not_permitted"
    with pytest.raises(PortalError) as caught:
        call(principal_of(mallory, scopes=EVERY_SCOPE), number)
    assert caught.value.code == "not_found"
    assert not Approval.objects.exists()
