"""Exactly once: what a worker's death, or a fault, at each step leaves behind, and what comes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from approvals import events, execution, executors, services, tasks
from approvals.models import Approval
from cliqtel_portal.errors import PortalError, Problem
from cliqtel_portal.notices.models import Event
from tests.factories.approvals import approval_in, make_approval, past_the_triggers, quote_of


class Died(BaseException):
    """What kill -9 looks like from inside: nothing of ours catches it."""


class Busy(PortalError):
    code = "carrier_unavailable"
    retryable = True


class Gone(PortalError):
    code = "number_unavailable"


def approved(membership, **fields):
    return approval_in("approved", membership, now=timezone.now(), **fields)


def run(approval, *, now=None):
    execution.execute_approval(approval.pk, now=now)
    approval.refresh_from_db()
    return approval


def told():
    return Event.objects.filter(kind=events.EXECUTED).count()


def test_what_was_approved_is_done_and_told(alice, executor):
    approval = run(approved(alice))
    assert (approval.status, approval.outcome) == ("executed", {"order": 1})
    assert (approval.attempts, approval.due_at) == (1, None)
    assert (executor.rechecks, len(executor.calls), told()) == (1, 1, 1)


def test_a_second_message_does_nothing(alice, executor):
    approval = run(approved(alice))
    later = timezone.now() + timedelta(days=1)
    assert run(approval, now=later).attempts == 1
    assert (len(executor.calls), told()) == (1, 1)


@pytest.mark.parametrize("status", ["pending", "rejected", "expired", "cancelled", "failed"])
def test_what_was_not_approved_never_runs(alice, executor, status):
    approval = approval_in(status, alice)
    assert run(approval, now=timezone.now() + timedelta(days=1)).status == status
    assert (executor.rechecks, executor.calls) == (0, [])
    assert execution.lost_ids(now=timezone.now() + timedelta(days=1)) == []


# Each step of an execution: where the worker dies, before it and after it.
STEPS = ["claim_for_execution", "_recheck", "_mark_begun", "execute", "_succeed"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_dies_at_any_step_loses_and_doubles_nothing(
    alice, executor, monkeypatch, step, when
):
    approval = approved(alice)
    start = timezone.now()
    target = executor if step == "execute" else execution
    real = getattr(target, step)

    def dies(*args, **options):
        if when == "after":
            real(*args, **options)
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(target, step, dies)
        with pytest.raises(Died):
            run(approval, now=start)
    approval.refresh_from_db()
    assert approval.status != "failed"
    later = start + timedelta(seconds=settings.APPROVAL_CLAIM_SECONDS + 1)
    for lost in execution.lost_ids(now=later):
        execution.execute_approval(lost, now=later)
    approval.refresh_from_db()
    assert (approval.status, approval.outcome) == ("executed", {"order": 1})
    assert list(executor.deeds) == [approval.idempotency_key]
    assert told() == 1


def test_a_claim_is_not_taken_over_before_its_time(alice, executor, monkeypatch):
    approval = approved(alice)
    start = timezone.now()
    execution.claim_for_execution(approval.pk, now=start)
    soon = start + timedelta(seconds=settings.APPROVAL_CLAIM_SECONDS - 1)
    assert execution.lost_ids(now=soon) == []
    assert run(approval, now=soon).status == "executing"
    assert executor.calls == []


def test_a_carrier_that_did_it_and_timed_out_did_it_once(alice, executor):
    executor.faults_after = [Busy("No answer in time.")]
    approval = run(approved(alice))
    assert (approval.status, len(executor.deeds)) == ("executing", 1)
    # Its own number is no longer on sale: nobody must ask that now.
    executor.recheck_error = Gone("Sold.")
    later = timezone.now() + timedelta(seconds=settings.APPROVAL_RETRY_SECONDS + 1)
    assert run(approval, now=later).status == "executed"
    assert (len(executor.deeds), len(executor.calls), executor.rechecks) == (1, 2, 1)


def test_a_retryable_fault_is_retried_later_each_time(alice, executor):
    executor.faults_before = [Busy("Busy."), Busy("Busy.")]
    approval = approved(alice)
    now = timezone.now()
    waits = []
    for _ in range(2):
        run(approval, now=now)
        assert approval.status == "executing"
        waits.append((approval.due_at - now).total_seconds())
        now = approval.due_at
    assert waits == [settings.APPROVAL_RETRY_SECONDS, 2 * settings.APPROVAL_RETRY_SECONDS]
    assert run(approval, now=now).status == "executed"


def test_a_fault_that_stays_is_failed_with_its_reason(alice, executor):
    executor.faults_before = [Busy("Busy.")] * 50
    approval = approved(alice)
    now = timezone.now()
    while approval.status in {"approved", "executing"}:
        run(approval, now=now)
        now = approval.due_at or now
    assert (approval.status, approval.error_code) == ("failed", "carrier_unavailable")
    assert approval.attempts == settings.APPROVAL_MAX_ATTEMPTS == len(executor.calls)
    assert approval.outcome["uncertain"] is True
    assert told() == 1


@pytest.mark.parametrize("begun", [False, True])
def test_an_approval_that_kills_its_workers_is_given_up(alice, executor, monkeypatch, begun):
    def dies(*args, **options):
        raise Died

    monkeypatch.setattr(executor, "execute" if begun else "recheck", dies)
    approval = approved(alice)
    now = timezone.now()
    for _ in range(settings.APPROVAL_MAX_ATTEMPTS):
        with pytest.raises(Died):
            run(approval, now=now)
        approval.refresh_from_db()
        now = approval.due_at
    assert run(approval, now=now).status == "failed"
    assert (approval.error_code, approval.outcome["uncertain"]) == ("internal_error", begun)
    assert told() == 1


def test_a_permanent_fault_fails_at_once_with_all_problems(alice, executor):
    problem = Problem(field="numbers.0", message="Sold a moment ago.")
    executor.faults_before = [Gone("Not available.", problems=[problem])]
    approval = run(approved(alice))
    assert (approval.status, approval.error_code) == ("failed", "number_unavailable")
    assert approval.outcome == {
        "message": "Not available.",
        "problems": [{"field": "numbers.0", "message": "Sold a moment ago."}],
        "uncertain": False,
    }
    assert told() == 1


def test_a_revoked_token_or_sold_number_stops_it_before_the_deed(alice, executor):
    executor.recheck_error = Gone("Sold.")
    approval = run(approved(alice))
    assert (approval.status, approval.error_code) == ("failed", "number_unavailable")
    assert executor.calls == []


def test_a_recheck_that_could_not_be_made_is_made_again(alice, executor):
    executor.recheck_error = Busy("Busy.")
    approval = run(approved(alice))
    assert (approval.status, approval.begun_at) == ("executing", None)
    executor.recheck_error = None
    assert run(approval, now=approval.due_at).status == "executed"
    assert executor.rechecks == 2


@pytest.mark.parametrize("price", [None, "2.00"])
def test_a_price_that_changed_since_the_click_stops_it(alice, executor, price):
    executor.price = quote_of(price) if price else None
    approval = run(approved(alice, price=quote_of("1")))
    assert (approval.status, approval.error_code) == ("failed", "price_changed")
    assert executor.calls == []


def test_arguments_changed_after_the_click_never_run(alice, executor):
    approval = approved(alice)
    past_the_triggers(Approval.objects.filter(pk=approval.pk), arguments={"numbers": ["+3190012"]})
    assert run(approval).error_code == "digest_mismatch"
    assert (executor.rechecks, executor.calls) == (0, [])


def test_a_suspended_tenants_approval_does_not_run(alice, executor):
    approval = approved(alice)
    alice.tenant.status = "suspended"
    alice.tenant.save()
    assert run(approval).error_code == "not_permitted"
    assert executor.calls == []


def test_who_was_overtaken_writes_nothing(alice, executor):
    """A worker that lost its lock and comes back: another has claimed since."""
    approval = approved(alice)
    start = timezone.now()
    later = start + timedelta(hours=1)
    overtaken = execution.claim_for_execution(approval.pk, now=start)
    newest = execution.claim_for_execution(approval.pk, now=later)
    execution._succeed(overtaken, {"order": "another"}, later)
    execution._fail(overtaken, Gone("Sold."), later)
    execution._postpone(overtaken, Busy("Busy."), later + timedelta(days=1))
    assert not execution._mark_begun(overtaken, later)
    approval.refresh_from_db()
    assert (approval.status, approval.begun_at, approval.due_at) == (
        "executing",
        None,
        newest.due_at,
    )
    assert told() == 0
    assert run(approval, now=newest.due_at).status == "executed"


def test_an_unexpected_error_stays_loud_and_is_tried_again(alice, executor):
    executor.faults_before = [ZeroDivisionError()]
    approval = approved(alice)
    with pytest.raises(ZeroDivisionError):
        run(approval)
    approval.refresh_from_db()
    assert run(approval, now=approval.due_at).status == "executed"


def test_a_click_whose_message_was_lost_is_found(
    alice, executor, monkeypatch, django_capture_on_commit_callbacks
):
    approval = make_approval(alice)

    def away(approval_id):
        raise ConnectionError("no broker")

    long_ago = timezone.now() - timedelta(seconds=settings.APPROVAL_LOST_SECONDS + 1)
    with monkeypatch.context() as patched:
        patched.setattr(tasks.execute, "delay", away)
        with django_capture_on_commit_callbacks(execute=True):
            services.approve(
                alice, approval_id=approval.pk, seen_digest=approval.digest, now=long_ago
            )
    approval.refresh_from_db()
    assert (approval.status, executor.calls) == ("approved", [])
    tasks.recover_lost()
    approval.refresh_from_db()
    assert approval.status == "executed"


def test_a_fresh_click_is_left_to_its_own_message(alice, executor):
    approval = make_approval(alice)
    services.approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    assert execution.lost_ids() == []


def test_the_clocks_task_expires(alice, executor):
    approval = make_approval(alice, now=timezone.now() - timedelta(days=2))
    tasks.expire_due()
    approval.refresh_from_db()
    assert approval.status == "expired"


def test_an_action_has_one_executor(executor):
    with pytest.raises(ValueError, match="already"):
        executors.register("order_number", executor)
    executors.register("another", executor)
    assert executors.is_registered("another")
    assert executors.executor_of("another") is executor
    executors.unregister("another")
    with pytest.raises(LookupError):
        executors.executor_of("another")
