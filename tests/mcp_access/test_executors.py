"""What stands between a click and the deed of an AI host's draft: its token, and the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog
from django.utils import timezone

from approvals import execution, services
from approvals.executors import executor_of
from approvals.models import Approval
from audit.models import ToolCall
from audit.services import is_authentic, usage_of
from cliqtel_portal.errors import PortalError
from mcp_access.authority import AuthorityEnded, live_scopes
from mcp_access.models import AccessToken, RefreshToken
from mcp_access.pipeline import execute_approved_call, execute_tool_call_sync
from tests.factories.approvals import CountingExecutor, make_approval, quote_of
from tests.factories.mcp_access import EVERY_SCOPE, make_token, principal_of
from tests.factories.oauth import make_application
from tests.mcp_access.drafting import ACTION, SCOPE, drafting


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingExecutor]:
    with drafting(monkeypatch) as counting:
        yield counting


def draft(membership, **arguments) -> Approval:
    principal = principal_of(membership, scopes=EVERY_SCOPE)
    result = execute_tool_call_sync(principal, "draft_probe", arguments).result
    return Approval.objects.get(pk=result.approval_id)


def approve(actor, approval) -> None:
    services.approve(actor, approval_id=approval.pk, seen_digest=approval.digest)


def executed(approval) -> Approval:
    execution.execute_approval(approval.pk)
    approval.refresh_from_db()
    return approval


def test_the_execution_has_a_row_of_its_own(alice, bob, probe):
    approval = draft(bob, words="a", reason="because")
    approve(alice, approval)
    assert executed(approval).status == "executed"
    drafted, done = ToolCall.objects.order_by("id")
    assert (drafted.tool, drafted.approval_id) == ("draft_probe", approval.pk)
    assert (done.tool, done.status, done.counted) == (ACTION, "ok", False)
    assert (done.parent_id, done.approval_id) == (drafted.pk, approval.pk)
    assert (done.user_id, done.actor_id) == (bob.user_id, alice.user_id)
    assert done.actor_label == "alice@acme.example"
    assert done.token_id == drafted.token_id
    assert (done.cost_amount, done.cost_currency) == (quote_of("3.50").once, "EUR")
    assert is_authentic(done)
    assert is_authentic(drafted)
    assert usage_of(alice.tenant_id).calls == 1


def test_what_an_execution_logs_names_its_row_and_the_approval(alice, bob, probe):
    approval = draft(bob, words="a", reason="because")
    approve(alice, approval)
    seen: list[dict[str, object]] = []

    def deed() -> dict[str, object]:
        seen.append(structlog.contextvars.get_contextvars())
        return {}

    with structlog.contextvars.bound_contextvars():
        structlog.contextvars.clear_contextvars()
        execute_approved_call(approval, deed)
        after = structlog.contextvars.get_contextvars()
    done = ToolCall.objects.get(parent_id=approval.call_id)
    assert seen == [{"call": str(done.pk), "approval": str(approval.pk)}]
    assert after == {}


def test_each_attempt_has_its_row_and_its_reason(alice, probe):
    class Busy(PortalError):
        code = "carrier_unavailable"
        retryable = True

    approval = draft(alice)
    approve(alice, approval)
    probe.faults_after.append(Busy("The carrier does not answer."))
    executed(approval)
    approval.refresh_from_db()
    execution.execute_approval(approval.pk, now=approval.due_at)
    rows = ToolCall.objects.filter(parent_id=approval.call_id).order_by("id")
    assert [(row.status, row.error_code) for row in rows] == [
        ("error", "carrier_unavailable"),
        ("ok", ""),
    ]
    assert len(probe.deeds) == 1


def test_a_deed_that_was_done_before_costs_once_in_the_log(alice, probe, monkeypatch):
    class Died(BaseException):
        pass

    approval = draft(alice)
    approve(alice, approval)
    with monkeypatch.context() as deadly:
        # The worker dies between the deed's own row and the approval's.
        def die(*_arguments):
            raise Died

        deadly.setattr(execution, "_succeed", die)
        with pytest.raises(Died):
            execution.execute_approval(approval.pk)
    approval.refresh_from_db()
    execution.execute_approval(approval.pk, now=approval.due_at)
    rows = ToolCall.objects.filter(parent_id=approval.call_id).order_by("id")
    assert [(row.status, row.cost_amount) for row in rows] == [
        ("ok", quote_of("3.50").once),
        ("ok", None),
    ]
    assert len(probe.deeds) == 1


def test_a_persons_own_draft_is_no_tool_call(alice, probe):
    approval = make_approval(alice, action=ACTION, price=quote_of("1.50", "2"))
    approve(alice, approval)
    assert executed(approval).status == "executed"
    assert not ToolCall.objects.exists()


@pytest.mark.parametrize("ending", ["revoked", "expired", "narrowed", "role", "tier", "left"])
def test_an_authority_that_ended_stops_the_click(alice, bob, probe, ending):
    approval = draft(bob)
    end_authority(approval, bob, ending)
    with pytest.raises(AuthorityEnded):
        approve(alice, approval)
    approval.refresh_from_db()
    assert approval.status == "pending"
    assert not approval.decisions.exists()
    services.reject(alice, approval_id=approval.pk)
    assert probe.deeds == {}


def test_a_token_revoked_between_click_and_execution_stops_the_deed(alice, bob, probe):
    approval = draft(bob)
    approve(alice, approval)
    end_authority(approval, bob, "revoked")
    assert executed(approval).status == "failed"
    assert approval.error_code == "not_permitted"
    assert approval.outcome["uncertain"] is False
    assert (probe.deeds, probe.withdrawn) == ({}, [(approval.pk, "failed")])


def end_authority(approval: Approval, member, ending: str) -> None:
    token = AccessToken.objects.filter(pk=approval.token_id)
    match ending:
        case "revoked":
            assert token.update(revoked_at=timezone.now()) == 1
        case "expired":
            assert token.update(expires=timezone.now() - timedelta(seconds=1)) == 1
        case "narrowed":
            assert token.update(scope="mcp.docs.read") == 1
        case "role":
            member.role = "viewer"
            member.save()
        case "tier":
            member.tenant.tier = "discover"
            member.tenant.save()
        case "left":
            member.ended_at = timezone.now()
            member.save()


def test_a_rotated_token_goes_on_in_its_successor(alice):
    old, _ = make_token(alice, scopes=(SCOPE,))
    new, _ = make_token(alice, scopes=(SCOPE, "mcp.docs.read"))
    AccessToken.objects.filter(pk=old.pk).update(
        expires=timezone.now() - timedelta(seconds=1), replaced_by=new
    )
    assert live_scopes(alice.tenant, old.pk) == {SCOPE, "mcp.docs.read"}
    new.revoke()
    assert live_scopes(alice.tenant, old.pk) is None


def test_an_oauth_token_of_an_hour_goes_on_in_its_session(alice):
    app = make_application()
    expired, _ = make_token(
        alice,
        kind="oauth",
        name="",
        application=app,
        scopes=(SCOPE,),
        expires=timezone.now() - timedelta(hours=1),
    )
    session = {
        "tenant": alice.tenant,
        "user": alice.user,
        "application": app,
        "scope": f"{SCOPE} mcp.docs.read",
        "expires_at": timezone.now() + timedelta(days=20),
        "token_family": "7f2c3c46-9d1a-4a6a-b7cf-1de0f0a3f001",
    }
    RefreshToken.objects.create(
        access_token=expired, revoked=timezone.now(), token_checksum="a" * 64, **session
    )
    newest = RefreshToken.objects.create(token_checksum="b" * 64, **session)
    assert live_scopes(alice.tenant, expired.pk) == {SCOPE, "mcp.docs.read"}
    newest.revoke()
    assert live_scopes(alice.tenant, expired.pk) is None


def test_a_neighbours_token_is_nobodys_authority(alice, mallory):
    token, _ = make_token(alice, scopes=(SCOPE,))
    assert live_scopes(mallory.tenant, token.pk) is None


def test_what_the_deed_held_is_given_back_through_the_wrap(alice, probe):
    approval = draft(alice)
    services.reject(alice, approval_id=approval.pk, comment="No.")
    assert probe.withdrawn == [(approval.pk, "rejected")]
    assert executor_of(ACTION).present(approval).consequences == ("It is counted.",)
