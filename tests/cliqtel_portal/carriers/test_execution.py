"""Exactly once: what a worker's death, or a carrier's fault, leaves behind, and what comes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from cliqtel_portal.carriers import execution, outcomes, services, tasks
from cliqtel_portal.carriers.backends.sandbox import SandboxCarrier
from cliqtel_portal.carriers.errors import (
    CarrierRejectedError,
    CarrierUnavailableError,
    OperationConflict,
)
from cliqtel_portal.carriers.models import CarrierOperation, SandboxRequest
from cliqtel_portal.carriers.types import Receipt
from cliqtel_portal.errors import NotFound
from tests.factories.carriers import SandboxFaultFactory

START = timezone.now()


class Died(BaseException):
    """What kill -9 looks like from inside: nothing of ours catches it."""


@pytest.fixture
def operation(acme, handler):
    return services.enqueue(
        acme, kind="order_numbers", idempotency_key="order:1", payload={"order_id": "1"}
    )


def run(operation, *, now=None):
    operation = services.perform(operation.pk, now=now)
    assert operation.state in {"pending", "accepted", "done", "failed"}
    return operation


def until_the_end(operation):
    """Each time as soon as it is due; return it, and the waits."""
    now, waits = timezone.now(), []
    while operation.state == "pending":
        operation = run(operation, now=now)
        if operation.state == "pending":
            waits.append((operation.due_at - now).total_seconds())
            now = operation.due_at
    return operation, waits


def test_what_was_written_is_done_and_told_once(operation, handler):
    done = run(operation)
    reference = SandboxRequest.objects.get().reference
    assert (done.state, done.carrier_reference, done.attempts) == ("done", reference, 1)
    assert (done.is_uncertain, done.finished_at is None) == (False, False)
    run(operation, now=timezone.now() + timedelta(days=1))
    assert handler.told == [f"done {reference} done"]


def test_the_same_key_again_is_the_same_operation(acme, operation):
    again = services.enqueue(
        acme, kind="order_numbers", idempotency_key="order:1", payload={"order_id": "1"}
    )
    assert again.pk == operation.pk


def test_a_new_default_carrier_does_not_repeat_old_orders(acme, operation, settings):
    settings.CARRIERS = {**settings.CARRIERS, "other": settings.CARRIERS["sandbox"]}
    settings.CARRIER_DEFAULT = "other"
    again = services.enqueue(
        acme, kind="order_numbers", idempotency_key="order:1", payload={"order_id": "1"}
    )
    assert (again.pk, again.carrier) == (operation.pk, "sandbox")


@pytest.mark.parametrize("change", ["tenant", "kind", "payload"])
def test_a_key_that_stands_for_something_else_is_refused(acme, mallory, operation, change):
    values = {
        "tenant": mallory.tenant if change == "tenant" else acme,
        "kind": "send_message" if change == "kind" else "order_numbers",
        "payload": {"order_id": "2" if change == "payload" else "1"},
    }
    with pytest.raises(OperationConflict):
        services.enqueue(values.pop("tenant"), idempotency_key="order:1", **values)
    assert CarrierOperation.objects.count() == 1


def test_it_is_done_after_the_commit_and_not_before(
    acme, handler, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        operation = services.enqueue(
            acme, kind="order_numbers", idempotency_key="order:1", payload={}
        )
        assert not SandboxRequest.objects.exists()
    assert len(callbacks) == 1
    operation.refresh_from_db()
    assert (operation.state, SandboxRequest.objects.count()) == ("done", 1)


def test_a_message_that_was_lost_is_found_by_the_scan(
    acme, handler, monkeypatch, django_capture_on_commit_callbacks
):
    def away(operation_id):
        raise ConnectionError("no broker")

    with monkeypatch.context() as patched, django_capture_on_commit_callbacks(execute=True):
        patched.setattr(tasks.perform, "delay", away)
        operation = services.enqueue(
            acme, kind="order_numbers", idempotency_key="order:1", payload={}
        )
    assert not SandboxRequest.objects.exists()
    tasks.recover_due()
    operation.refresh_from_db()
    assert operation.state == "done"


# Each step of an attempt: where the worker dies, before it and after it.
STEPS = ["claim", "_attempt", "_ask", "_send", "_succeed"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [*STEPS, "order_numbers", "done"])
def test_a_worker_that_dies_at_any_step_loses_and_doubles_nothing(
    operation, handler, monkeypatch, step, when
):
    target = {"order_numbers": SandboxCarrier, "done": handler}.get(step, execution)
    real = getattr(target, step)
    start = timezone.now()

    def dies(*args, **options):
        if when == "after":
            real(*args, **options)
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(target, step, dies)
        with pytest.raises(Died):
            run(operation, now=start)
    if step == "done" and when == "after":
        handler.told.clear()  # its transaction was rolled back
    later = start + timedelta(seconds=settings.CARRIER_CLAIM_SECONDS + 1)
    for due in execution.due_ids(now=later):
        services.perform(due, now=later)
    operation.refresh_from_db()
    assert (operation.state, operation.is_uncertain) == ("done", False)
    assert SandboxRequest.objects.count() == 1
    assert handler.told == [f"done {operation.carrier_reference} done"]


def test_a_claim_is_not_taken_over_before_its_time(operation, handler):
    execution.claim(operation.pk, now=timezone.now())
    operation.refresh_from_db()
    assert operation.is_uncertain
    assert (execution.due_ids(), run(operation).attempts) == ([], 1)
    assert not SandboxRequest.objects.exists()


def test_a_carrier_that_did_it_and_timed_out_did_it_once(operation, handler):
    SandboxFaultFactory(fault="timeout_after")
    waiting = run(operation)
    assert (waiting.state, waiting.is_uncertain, handler.told) == ("pending", True, [])
    done = run(operation, now=waiting.due_at)
    assert (done.state, done.is_uncertain, done.attempts) == ("done", False, 2)
    assert done.carrier_reference == SandboxRequest.objects.get().reference
    assert len(handler.told) == 1


def test_a_fault_that_stays_is_retried_ever_later_and_then_failed(operation, handler, caplog):
    SandboxFaultFactory(fault="timeout_before", times_left=50)
    failed, waits = until_the_end(operation)
    assert (failed.state, failed.error_code) == ("failed", "carrier_unavailable")
    assert (failed.attempts, failed.is_uncertain) == (settings.CARRIER_MAX_ATTEMPTS, True)
    assert handler.told == ["failed carrier_unavailable failed uncertain"]
    assert len(waits) == settings.CARRIER_MAX_ATTEMPTS - 1
    for number, wait in enumerate(waits):
        doubled = settings.CARRIER_RETRY_SECONDS * 2**number
        assert min(0.75 * doubled, settings.CARRIER_RETRY_MAX_SECONDS) <= wait <= 1.25 * doubled
    assert [record.levelname for record in caplog.records].count("ERROR") == 1


def test_what_the_carrier_never_began_is_not_uncertain(operation, handler, caplog):
    SandboxFaultFactory(fault="unavailable", times_left=50)
    failed, _ = until_the_end(operation)
    assert (failed.state, failed.is_uncertain) == ("failed", False)
    assert handler.told == ["failed carrier_unavailable failed"]
    assert "ERROR" not in caplog.text


def test_one_lost_answer_among_refusals_keeps_it_uncertain(operation, handler):
    SandboxFaultFactory(fault="timeout_before")
    SandboxFaultFactory(fault="unavailable", times_left=50)
    failed, _ = until_the_end(operation)
    assert failed.is_uncertain


@pytest.mark.parametrize(("wish", "wait"), [(90, 90), (86_400, settings.CARRIER_RETRY_MAX_SECONDS)])
def test_a_carriers_own_wish_to_wait_is_respected(operation, handler, wish, wait):
    error = CarrierUnavailableError("Busy.", retry_after_seconds=wish)
    assert execution.backoff_seconds(operation, error.retry_after_seconds) == wait
    SandboxFaultFactory(fault="rate_limit", seconds=90)
    now = timezone.now()
    waiting = run(operation, now=now)
    assert (waiting.due_at - now).total_seconds() == 90
    assert run(operation, now=waiting.due_at - timedelta(seconds=1)).state == "pending"
    assert run(operation, now=waiting.due_at).state == "done"


def test_operations_that_failed_together_come_back_apart_and_always_alike(acme, handler):
    waits = set()
    for number in range(20):
        operation = services.enqueue(
            acme, kind="send_message", idempotency_key=f"message:{number}", payload={}
        )
        operation.attempts = 1
        waits.add(execution.backoff_seconds(operation))
        assert execution.backoff_seconds(operation) in waits
    assert len(waits) == 20


def test_the_end_comes_before_the_approval_that_waits_gives_up():
    """Each wait at its longest, and the scan a moment late each time."""
    attempts = settings.CARRIER_MAX_ATTEMPTS
    ours = (attempts - 1) * (settings.CARRIER_RETRY_MAX_SECONDS + 15)
    theirs = sum(
        min(settings.APPROVAL_RETRY_SECONDS * 2**number, settings.APPROVAL_RETRY_MAX_SECONDS)
        for number in range(settings.APPROVAL_MAX_ATTEMPTS - 1)
    )
    assert attempts < settings.APPROVAL_MAX_ATTEMPTS
    assert ours < theirs


def test_a_refusal_is_the_end_at_once(operation, handler):
    SandboxFaultFactory(fault="reject")
    failed = run(operation)
    assert (failed.state, failed.error_code, failed.attempts) == ("failed", "carrier_rejected", 1)
    assert (failed.is_uncertain, handler.told) == (False, ["failed carrier_rejected failed"])


def test_a_refusal_after_a_lost_answer_is_an_answer(operation, handler):
    SandboxFaultFactory(fault="timeout_before")
    SandboxFaultFactory(fault="reject")
    failed, _ = until_the_end(operation)
    assert (failed.error_code, failed.is_uncertain) == ("carrier_rejected", False)


def test_what_must_not_be_asked_any_more_is_not_asked(operation, handler):
    handler.request_error = NotFound("The draft was withdrawn.")
    failed = run(operation)
    assert (failed.state, failed.error_code) == ("failed", "not_found")
    assert not failed.is_uncertain
    assert not SandboxRequest.objects.exists()


def test_slow_provisioning_is_accepted_and_not_tried_again(operation, handler):
    SandboxFaultFactory(fault="slow_provisioning", seconds=30)
    accepted = run(operation)
    assert (accepted.state, accepted.finished_at, accepted.is_uncertain) == (
        "accepted",
        None,
        False,
    )
    assert handler.told == [f"accepted {accepted.carrier_reference} accepted"]
    assert execution.due_ids(now=timezone.now() + timedelta(days=1)) == []


def test_who_was_overtaken_writes_nothing(operation, handler):
    """A worker that lost its lock and comes back: another has claimed since."""
    start = timezone.now()
    later = start + timedelta(hours=1)
    overtaken = execution.claim(operation.pk, now=start)
    newest = execution.claim(operation.pk, now=later)
    execution._succeed(overtaken, Receipt(reference="ref", state="done"), later)
    execution._fail(overtaken, CarrierRejectedError("No."), later, is_uncertain=False)
    execution._postpone(overtaken, CarrierUnavailableError("Busy."), later, is_uncertain=False)
    operation.refresh_from_db()
    assert (operation.state, operation.due_at) == ("pending", newest.due_at)
    assert (operation.is_uncertain, handler.told) == (True, [])


def test_a_mistake_of_ours_stays_loud_and_is_tried_again(operation, handler):
    handler.request_error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        run(operation)
    operation.refresh_from_db()
    handler.request_error = None
    assert run(operation, now=operation.due_at).state == "done"


def test_an_operation_that_kills_its_workers_is_given_up(operation, handler):
    handler.request_error = Died()
    now = timezone.now()
    for _ in range(settings.CARRIER_MAX_ATTEMPTS):
        with pytest.raises(Died):
            run(operation, now=now)
        operation.refresh_from_db()
        now = operation.due_at
    failed = run(operation, now=now)
    assert (failed.state, failed.error_code) == ("failed", "carrier_unavailable")
    assert failed.is_uncertain
    assert handler.told == ["failed carrier_unavailable failed uncertain"]


def test_a_kind_has_one_handler_and_is_one_of_ours(handler):
    with pytest.raises(ValueError, match="already"):
        outcomes.register("order_numbers", handler)
    with pytest.raises(ValueError, match="no operations"):
        outcomes.register("dance", handler)
