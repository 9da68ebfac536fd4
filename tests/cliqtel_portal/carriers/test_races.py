"""Workers at the same operation, and the sandbox's own promises, each on a connection."""

from __future__ import annotations

import pytest

from cliqtel_portal.carriers import services, tasks
from cliqtel_portal.carriers.backends.sandbox import SandboxCarrier
from cliqtel_portal.carriers.models import CarrierOperation, SandboxNumber, SandboxRequest
from cliqtel_portal.carriers.types import NumberOrder, NumberRelease
from tests.factories.carriers import SandboxFaultFactory
from tests.races import at_once

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


def test_eight_workers_ask_once_and_all_hear_the_answer(acme, handler, monkeypatch):
    """The rows of one key are one, and who comes second waits for the first's attempt."""
    monkeypatch.setattr(tasks.perform, "delay", lambda operation_id: None)
    values = {"kind": "order_numbers", "idempotency_key": "order:1", "payload": {"order_id": "1"}}
    written, _ = at_once(*[lambda: services.enqueue(acme, **values)] * 4)
    (pk,) = {operation.pk for operation in written}
    SandboxFaultFactory(fault="latency", seconds=1, times_left=50)
    heard, _ = at_once(*[lambda: services.perform(pk)] * 8)
    assert {operation.state for operation in heard} == {"done"}
    assert CarrierOperation.objects.get().attempts == 1
    assert (SandboxRequest.objects.count(), len(handler.told)) == (1, 1)


def test_who_does_not_wait_is_told_that_it_is_in_hand(acme, handler, monkeypatch):
    monkeypatch.setattr(tasks.perform, "delay", lambda operation_id: None)
    pk = services.enqueue(acme, kind="order_numbers", idempotency_key="order:1", payload={}).pk
    SandboxFaultFactory(fault="latency", seconds=1)
    heard, _ = at_once(*[lambda: services.perform(pk, wait_seconds=0)] * 2)
    assert sorted(operation.state for operation in heard) == ["done", "pending"]


def test_the_sandbox_keeps_its_promises_to_all_at_once():
    """One key is one deed, one number has one owner, one fault hits one request."""
    carrier = SandboxCarrier()
    order = NumberOrder(numbers=("+31201230001", "+31201230002"))
    receipts, _ = at_once(*[lambda: carrier.order_numbers(order, idempotency_key="key-1")] * 6)
    assert len({receipt.reference for receipt in receipts}) == 1
    assert (SandboxRequest.objects.count(), SandboxNumber.objects.count()) == (1, 2)

    wanted = NumberOrder(numbers=("+31201230003",))
    won, lost = at_once(
        *[
            lambda key=f"key-3-{number}": carrier.order_numbers(wanted, idempotency_key=key)
            for number in range(6)
        ]
    )
    assert (len(won), {error.code for error in lost}) == (1, {"carrier_rejected"})

    SandboxFaultFactory(fault="reject", times_left=2)
    release = NumberRelease(number="+31201230001")
    won, lost = at_once(
        *[
            lambda key=f"key-4-{number}": carrier.release_number(release, idempotency_key=key)
            for number in range(6)
        ]
    )
    assert (len(won), len(lost)) == (4, 2)
