"""The same key has one effect and one outcome; another call under it is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from approvals.models import Approval
from audit.models import ToolCall
from cliqtel_portal.errors import PortalError
from mcp_access import idempotency
from mcp_access.idempotency import IdempotencyConflict, holder_of
from mcp_access.models import IdempotentCall
from mcp_access.pipeline import execute_tool_call_sync
from mcp_access.tasks import forget_old_keys
from tests.factories.approvals import CountingExecutor
from tests.factories.mcp_access import EVERY_SCOPE, principal_of
from tests.mcp_access.drafting import drafting

KEY = "0123456789"


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingExecutor]:
    with drafting(monkeypatch) as counting:
        yield counting


def answer(principal, **arguments):
    return execute_tool_call_sync(principal, "draft_probe", arguments)


def call(principal, **arguments):
    return answer(principal, **arguments).result


def test_a_repeated_call_drafts_once_and_answers_the_same(alice, probe):
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    first = call(principal, words="a", idempotency_key=KEY)
    repeated = answer(principal, idempotency_key=KEY, words="a")
    again = repeated.result
    # It may have been decided since: the first answer says that nothing has been done yet.
    assert repeated.text.endswith("get_approval_status tells how it stands now.")
    assert (first.status, first.replayed) == ("pending_approval", None)
    assert again == first.model_copy(update={"replayed": True})
    approval = Approval.objects.get()
    assert str(approval.pk) == first.approval_id
    rows = list(ToolCall.objects.order_by("id"))
    assert [row.status for row in rows] == ["ok", "ok"]
    assert {row.approval_id for row in rows} == {approval.pk}
    assert rows[1].result == {"replayed": True}


def test_another_call_under_the_key_is_refused(alice, probe):
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    call(principal, words="a", idempotency_key=KEY)
    with pytest.raises(IdempotencyConflict):
        call(principal, words="b", idempotency_key=KEY)
    assert Approval.objects.count() == 1


def test_without_a_key_each_call_drafts(alice, probe):
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    assert call(principal).approval_id != call(principal).approval_id


def test_keys_belong_to_a_token(alice, bob, mallory, probe):
    mallory.tenant.tier = "automate"
    mallory.tenant.save()
    ids = {
        call(principal_of(member, scopes=EVERY_SCOPE), idempotency_key=KEY).approval_id
        for member in (alice, alice, bob, mallory)
    }
    assert len(ids) == 4


def test_an_app_keeps_its_keys_when_its_token_is_renewed(alice):
    first = replace(principal_of(alice), token_kind="oauth", client_id="app-1")
    renewed = replace(principal_of(alice), token_kind="oauth", client_id="app-1")
    assert holder_of(first) == holder_of(renewed)
    assert holder_of(first) != holder_of(replace(first, client_id="app-2"))


def test_a_failure_uses_no_key_up_and_leaves_nothing(alice, probe, monkeypatch):
    principal = principal_of(alice, scopes=EVERY_SCOPE)

    def fail(*_arguments):
        raise PortalError("Not now.")

    with monkeypatch.context() as broken:
        broken.setattr("tests.mcp_access.drafting.answer", fail)
        with pytest.raises(PortalError):
            call(principal, idempotency_key=KEY)
    assert not IdempotentCall.objects.exists()
    assert not Approval.objects.exists()
    assert call(principal, idempotency_key=KEY).replayed is None


def test_a_dry_run_changes_nothing_and_uses_no_key_up(alice, probe):
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    told = call(principal, dry_run=True, idempotency_key=KEY)
    assert (told.status, told.dry_run) == ("ok", True)
    assert not Approval.objects.exists()
    assert not IdempotentCall.objects.exists()
    assert call(principal, idempotency_key=KEY).status == "pending_approval"


def test_a_key_is_forgotten_after_a_day(alice, probe):
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    first = call(principal, idempotency_key=KEY)
    IdempotentCall.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    second = call(principal, words="other", idempotency_key=KEY)
    assert second.approval_id != first.approval_id
    forget_old_keys()
    assert IdempotentCall.objects.count() == 1
    IdempotentCall.objects.update(created_at=timezone.now() - timedelta(hours=25))
    forget_old_keys()
    assert not IdempotentCall.objects.exists()


@pytest.mark.parametrize("key", ["short", "k" * 101, ""])
def test_a_key_has_a_sensible_length(alice, probe, key):
    with pytest.raises(PortalError) as caught:
        call(principal_of(alice, scopes=EVERY_SCOPE), idempotency_key=key)
    assert [problem.field for problem in caught.value.problems] == ["idempotency_key"]


def test_nothing_of_the_arguments_is_kept_in_the_clear(alice, probe):
    call(principal_of(alice, scopes=EVERY_SCOPE), words="hunter2", idempotency_key=KEY)
    row = IdempotentCall.objects.get()
    # The test's own tool tells the words back: nothing else may.
    assert row.result.pop("words") == "hunter2"
    assert "hunter2" not in f"{row.result} {row.text} {row.digest}"


@pytest.mark.django_db(transaction=True)
def test_eight_calls_at_once_under_one_key_draft_once(alice, probe):
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    barrier = threading.Barrier(8)
    told = []

    def work() -> None:
        barrier.wait()
        try:
            told.append(call(principal, words="a", idempotency_key=KEY))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Approval.objects.count() == 1
    assert len(told) == 8
    assert len({one.approval_id for one in told}) == 1
    assert sorted(bool(one.replayed) for one in told) == [False] + [True] * 7
    assert idempotency.IdempotentCall.objects.count() == 1
