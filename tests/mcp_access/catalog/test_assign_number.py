from __future__ import annotations

import pytest

from approvals.models import Approval
from approvals.services import approve
from audit.models import ToolCall
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here
from cliqtel_portal.accounts.permissions import scopes_of_role
from cliqtel_portal.errors import PortalError
from cliqtel_portal.numbers.change_models import NumberChange
from mcp_access.pipeline import execute_tool_call_sync
from tests.factories.callflows import make_flow
from tests.factories.mcp_access import EVERY_SCOPE, principal_of
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory


@pytest.fixture
def number(acme):
    return PhoneNumberFactory(
        tenant=acme, e164="+31205550001", trunk=TrunkFactory(tenant=acme, name="HQ")
    )


def call(principal, number, **arguments):
    values = {"number": number.e164, "idempotency_key": "key-12345", **arguments}
    return execute_tool_call_sync(principal, "assign_number", values)


def test_an_approved_move_is_done_and_says_how_to_undo_it(
    acme, alice, number, django_capture_on_commit_callbacks
):
    flow = make_flow(acme, name="Sales")
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    arguments = {"target_kind": "call_flow", "target_id": str(flow.pk), "reason": "As you asked"}
    answer = call(principal, number, **arguments)
    assert answer.result.status == "pending_approval"
    assert answer.result.previous.model_dump() == {
        "kind": "trunk",
        "id": str(number.trunk_id),
        "name": "HQ",
    }
    assert answer.result.target.name == "Sales"
    assert answer.result.cost is None
    number.refresh_from_db()
    assert number.call_flow_id is None

    approval = Approval.objects.get()
    assert (approval.token_id, approval.reason_text) == (principal.token_id, "As you asked")
    with django_capture_on_commit_callbacks(execute=True):
        approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    approval.refresh_from_db()
    assert (approval.status, approval.outcome["previous"]["name"]) == ("executed", "HQ")
    number.refresh_from_db()
    assert (number.trunk_id, number.call_flow_id) == (None, flow.pk)
    assert NumberChange.objects.get().approval_id == approval.pk
    executed = ToolCall.objects.get(parent_id=approval.call_id)
    assert (executed.status, executed.actor_id) == ("ok", alice.user_id)


def test_a_dry_run_checks_all_and_leaves_nothing(acme, alice, number):
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    answer = call(principal, number, target_kind="none", dry_run=True)
    assert (answer.result.status, answer.result.dry_run) == ("ok", True)
    assert (answer.result.target.kind, answer.result.target.id) == ("none", None)
    with pytest.raises(PortalError) as caught:
        call(principal, number, target_kind="trunk", dry_run=True)
    assert caught.value.code == "invalid_arguments"
    assert not Approval.objects.exists()


def test_a_repeat_with_the_same_key_asks_once(acme, alice, number):
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    first = call(principal, number, target_kind="none")
    again = call(principal, number, target_kind="none")
    assert again.result.replayed
    assert again.result.approval_id == first.result.approval_id
    assert Approval.objects.count() == 1


def test_a_base_that_is_not_the_present_one_is_refused(acme, alice, number):
    with pytest.raises(PortalError) as caught:
        call(
            principal_of(alice, scopes=EVERY_SCOPE),
            number,
            target_kind="none",
            if_currently="none",
        )
    assert caught.value.code == "stale_base"
    assert not Approval.objects.exists()


def test_a_member_may_not(bob, number):
    held = tuple(scopes_of_role(bob.role))
    with pytest.raises(PortalError) as caught:
        call(principal_of(bob, scopes=held), number, target_kind="none")
    assert caught.value.code == "not_permitted"
    assert not Approval.objects.exists()


def test_a_stranger_finds_neither_number_nor_trunk(mallory, number):
    principal = principal_of(mallory, scopes=EVERY_SCOPE)
    own = PhoneNumberFactory(tenant=mallory.tenant)
    mallory.tenant.tier = "automate"
    mallory.tenant.save()
    for one, target in ((number, {"target_kind": "none"}), (own, {"target_kind": "trunk"})):
        if target["target_kind"] == "trunk":
            target["target_id"] = str(number.trunk_id)
        with pytest.raises(PortalError) as caught:
            call(principal, one, **target)
        assert caught.value.code == "not_found"
        assert "HQ" not in caught.value.message
    assert not Approval.objects.exists()
