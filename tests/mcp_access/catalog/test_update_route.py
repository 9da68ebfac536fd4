from __future__ import annotations

import pytest

from approvals.models import Approval
from approvals.services import approve, reject
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here
from cliqtel_portal.callflows.errors import StaleBase
from cliqtel_portal.callflows.models import CallFlow, Change, Revision
from cliqtel_portal.errors import NotFound, PortalError
from mcp_access.pipeline import execute_tool_call_sync
from tests.factories.callflows import RevisionFactory, make_flow, retitled
from tests.factories.mcp_access import EVERY_SCOPE, principal_of


@pytest.fixture
def flow(acme):
    """At revision 2; there is a revision 1 to go back to."""
    made = make_flow(acme, name="Reception")
    made.active_revision = RevisionFactory(
        call_flow=made, number=2, graph=retitled("sales", "Sales desk")
    )
    made.save()
    return made


@pytest.fixture
def principal(alice):
    return principal_of(alice, scopes=EVERY_SCOPE)


@pytest.fixture
def decide(alice, django_capture_on_commit_callbacks):
    def approved(approval):
        with django_capture_on_commit_callbacks(execute=True):
            approve(alice, approval_id=approval.pk, seen_digest=approval.digest)

    return approved


def call(principal, **arguments):
    return execute_tool_call_sync(
        principal, "update_route", {"idempotency_key": "key-12345", **arguments}
    ).result


def draft(principal, flow):
    values = {
        "call_flow_id": str(flow.pk),
        "base_etag": CallFlow.objects.get(pk=flow.pk).active_revision.etag,
        "operations": [{"op": "update_node", "id": "sales", "title": "Sales room"}],
    }
    return execute_tool_call_sync(principal, "draft_call_flow_change", values).result


def test_a_roll_back_is_asked_for_and_can_be_undone(principal, flow, decide):
    result = call(principal, call_flow_id=str(flow.pk), revision=1, reason="It was better.")
    assert (result.status, result.previous_revision, result.revision) == (
        "pending_approval",
        2,
        None,
    )
    assert result.changes == ["Changed “Sales desk”: title → “Sales team”"]
    approval = Approval.objects.get()
    assert (approval.title, approval.reason_text) == (
        "Roll back call flow Reception to revision 1",
        "It was better.",
    )
    assert Revision.objects.count() == 2
    decide(approval)
    told = call(principal, change_id=result.change_id, idempotency_key="key-54321")
    assert (told.status, told.revision, told.previous_revision) == ("executed", 3, 2)
    assert told.outcome["revision"] == 3
    undo = call(
        principal,
        call_flow_id=str(flow.pk),
        revision=told.previous_revision,
        idempotency_key="key-undo1",
    )
    assert undo.status == "pending_approval"


def test_a_drafts_state_is_told_and_nothing_runs_twice(principal, flow, decide):
    drafted = draft(principal, flow)
    pending = call(principal, change_id=drafted.change_id)
    assert (pending.status, pending.approval_id) == ("pending_approval", drafted.approval_id)
    assert Approval.objects.count() == 1
    decide(Approval.objects.get())
    for key in ("key-aaaa", "key-bbbb"):
        executed = call(principal, change_id=drafted.change_id, idempotency_key=key)
        assert (executed.status, executed.revision) == ("executed", 3)
    assert Revision.objects.count() == 3


def test_a_rejected_draft_is_an_error_with_the_comment(principal, flow, alice):
    drafted = draft(principal, flow)
    reject(alice, approval_id=Approval.objects.get().pk, comment="Ask Tom first.")
    with pytest.raises(PortalError, match="Ask Tom first") as caught:
        call(principal, change_id=drafted.change_id)
    assert caught.value.code == "approval_rejected"
    assert Revision.objects.count() == 2


def test_a_dry_run_checks_all_and_leaves_nothing(principal, flow, decide):
    result = call(principal, call_flow_id=str(flow.pk), revision=1, dry_run=True)
    assert (result.status, result.dry_run, result.change_id) == ("ok", True, None)
    assert result.changes
    with pytest.raises(PortalError, match="Nothing would change"):
        call(principal, call_flow_id=str(flow.pk), revision=2, dry_run=True)
    assert not Approval.objects.exists()
    assert not Change.objects.exists()

    first, second = draft(principal, flow), draft(principal, flow)
    assert call(principal, change_id=first.change_id, dry_run=True).status == "ok"
    decide(Approval.objects.get(pk=first.approval_id))
    with pytest.raises(StaleBase):
        call(principal, change_id=second.change_id, dry_run=True)


def test_one_way_to_name_it_is_asked_for(principal, flow):
    change = draft(principal, flow).change_id
    for arguments in (
        {},
        {"revision": 1},
        {"call_flow_id": str(flow.pk)},
        {"change_id": change, "revision": 1},
        {"call_flow_id": str(flow.pk), "revision": 0},
        {"change_id": change, "call_flow_id": str(flow.pk)},
    ):
        with pytest.raises(PortalError) as caught:
            call(principal, **arguments)
        assert caught.value.code == "invalid_arguments"
    assert Approval.objects.count() == 1


@pytest.mark.parametrize("revision", [9, 2**31, 10**30])
def test_a_revision_that_is_not_there_is_not_found(principal, flow, revision):
    with pytest.raises(NotFound):
        call(principal, call_flow_id=str(flow.pk), revision=revision)


def test_mallory_finds_neither_flow_nor_change(principal, mallory, flow):
    drafted = draft(principal, flow)
    stranger = principal_of(mallory, scopes=EVERY_SCOPE)
    for arguments in (
        {"change_id": drafted.change_id},
        {"call_flow_id": str(flow.pk), "revision": 1},
    ):
        for dry_run in (False, True):
            with pytest.raises(NotFound):
                call(stranger, **arguments, dry_run=dry_run)
    assert Change.objects.count() == 1
