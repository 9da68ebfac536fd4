from __future__ import annotations

import uuid

import pytest
from django.conf import settings as project

from approvals.models import Approval
from approvals.services import approve, reject
from audit.models import ToolCall
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here
from cliqtel_portal.callflows.errors import StaleBase
from cliqtel_portal.callflows.models import Change, Revision
from cliqtel_portal.errors import InvalidArguments
from mcp_access.pipeline import execute_tool_call_sync
from tests.factories.callflows import make_flow
from tests.factories.mcp_access import EVERY_SCOPE, principal_of
from tests.factories.numbers import PhoneNumberFactory

RETITLE = {"op": "update_node", "id": "sales", "title": "Sales desk"}


@pytest.fixture
def flow(acme):
    return make_flow(acme, name="Reception")


@pytest.fixture
def principal(alice):
    return principal_of(alice, scopes=EVERY_SCOPE)


def call(principal, flow, *operations, **arguments):
    values = {
        "call_flow_id": str(flow.pk),
        "base_etag": flow.active_revision.etag,
        "operations": list(operations),
        **arguments,
    }
    return execute_tool_call_sync(principal, "draft_call_flow_change", values)


def test_an_approved_draft_is_what_calls_follow(
    principal, flow, alice, django_capture_on_commit_callbacks
):
    PhoneNumberFactory(tenant=alice.tenant, e164="+442079460001", call_flow=flow)
    answer = call(principal, flow, RETITLE, reason="They moved.")
    result = answer.result
    assert result.status == "pending_approval"
    approval, change = Approval.objects.get(), Change.objects.get()
    assert result.approval_url == f"{project.OAUTH_ISSUER}/approvals/{approval.pk}/"
    assert result.change_id == str(change.pk)
    assert result.changes == ["Changed “Sales team”: title → “Sales desk”"]
    assert result.diff["changed"] == [
        {
            "id": "sales",
            "title": "Sales desk",
            "fields": [{"field": "title", "old": "Sales team", "new": "Sales desk"}],
        }
    ]
    assert result.numbers == ["+442079460001"]
    assert (change.author_kind, approval.reason_text) == ("ai_host", "They moved.")
    assert Revision.objects.count() == 1

    with django_capture_on_commit_callbacks(execute=True):
        approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    approval.refresh_from_db()
    flow.refresh_from_db()
    assert (approval.status, approval.outcome["revision"]) == ("executed", 2)
    assert flow.active_revision.etag == change.etag
    executed = ToolCall.objects.get(parent_id=approval.call_id)
    assert (executed.status, executed.actor_id) == ("ok", alice.user_id)


def test_a_rejection_reaches_the_host_with_its_comment(principal, flow, alice):
    result = call(principal, flow, RETITLE).result
    reject(alice, approval_id=Approval.objects.get().pk, comment="Not this week.")
    status = execute_tool_call_sync(
        principal, "get_approval_status", {"approval_id": result.approval_id}
    ).result
    assert "Not this week." in status.model_dump_json()
    assert Change.objects.get().status == "rejected"


def test_edges_and_null_config_go_through_as_they_are(principal, flow):
    call(
        principal,
        flow,
        {"op": "add_node", "id": "bye", "type": "hangup", "title": "Bye"},
        {"op": "add_edge", "id": "e9", "from": "hours", "to": "bye", "on": "holiday"},
        {"op": "update_node", "id": "hours", "config": {"holidays": None}},
    )
    change = Change.objects.get()
    assert change.operations[1:] == [
        {"op": "add_edge", "id": "e9", "from": "hours", "to": "bye", "on": "holiday"},
        {"op": "update_node", "id": "hours", "config": {"holidays": None}},
    ]
    assert change.graph["nodes"][0]["config"]["holidays"] == []


def test_all_that_is_wrong_is_told_at_once_and_nobody_asked(principal, flow):
    with pytest.raises(InvalidArguments) as caught:
        call(
            principal,
            flow,
            {"op": "remove_node", "id": "gone"},
            {"op": "add_edge", "id": "e9", "from": "hours", "to": "gone", "on": "holiday"},
        )
    assert {problem.field for problem in caught.value.problems} == {
        "operations.0.id",
        "operations.1.to",
    }
    with pytest.raises(InvalidArguments, match="lose calls"):
        call(principal, flow, {"op": "remove_edge", "id": "e5"})
    assert not Approval.objects.exists()
    assert not Change.objects.exists()


def test_a_stale_etag_is_refused(principal, flow):
    with pytest.raises(StaleBase):
        call(principal, flow, RETITLE, base_etag="f" * 64)
    assert ToolCall.objects.get().error_code == "stale_base"
    assert not Change.objects.exists()


def test_a_repeat_with_the_same_key_asks_once(principal, flow):
    first = call(principal, flow, RETITLE, idempotency_key="key-12345")
    again = call(principal, flow, RETITLE, idempotency_key="key-12345")
    assert again.result.replayed
    assert again.result.change_id == first.result.change_id
    assert Change.objects.count() == 1


def test_another_tenants_flow_is_not_found(mallory, flow):
    stranger = principal_of(mallory, scopes=EVERY_SCOPE)
    with pytest.raises(Exception, match="no such call flow"):
        call(stranger, flow, RETITLE)
    with pytest.raises(Exception, match="no such call flow"):
        call(stranger, flow, RETITLE, call_flow_id=str(uuid.uuid4()))
    assert not Change.objects.exists()


def test_a_large_difference_is_told_in_words(principal, flow):
    nodes = [
        {
            "op": "add_node",
            "id": f"n{index}",
            "type": "voicemail",
            "title": f"Box {index}",
            "config": {"mailbox": "a@acme.test", "greeting": "x" * 900},
        }
        for index in range(60)
    ]
    result = call(principal, flow, *nodes).result
    assert result.diff is None
    assert len(result.changes) == 50
    assert len(result.lint) == 50
    assert len(result.model_dump_json()) < project.MCP_MAX_RESULT_CHARS
