"""The sandbox keeps the contract, and fails in every way that it is told to."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cliqtel_portal.carriers.backends import sandbox
from cliqtel_portal.carriers.backends.sandbox import SandboxCarrier
from cliqtel_portal.carriers.errors import CarrierRejectedError, CarrierUnavailableError
from cliqtel_portal.carriers.models import SandboxNumber, SandboxRequest
from cliqtel_portal.carriers.types import NumberOrder, OutboundMessage
from tests.cliqtel_portal.carriers.contract import (
    MESSAGE,
    NUMBERS,
    ORDER,
    RELEASE,
    CarrierContract,
    each_request,
)
from tests.factories.carriers import SandboxFaultFactory

pytestmark = pytest.mark.django_db


class TestSandbox(CarrierContract):
    @pytest.fixture
    def backend(self) -> SandboxCarrier:
        return SandboxCarrier()


@pytest.fixture
def slept(monkeypatch):
    seconds: list[float] = []
    monkeypatch.setattr(sandbox.time, "sleep", seconds.append)
    return seconds


def order(key="key-1", request=ORDER):
    return SandboxCarrier().order_numbers(request, idempotency_key=key)


def test_the_reference_comes_of_the_key_alone():
    assert order().reference == "sbx-" + sandbox._reference("sandbox", "key-1")[4:]
    assert order("key-2", NumberOrder(numbers=("+31201230009",))).reference != order().reference


@each_request
def test_a_deed_is_one_row_however_often_it_is_asked_for(method, request_, other):
    for _ in range(3):
        getattr(SandboxCarrier(), method)(request_, idempotency_key="key-1")
    row = SandboxRequest.objects.get()
    assert (row.kind, row.state) == (method, "done")
    assert "4711" not in repr(vars(row))


def test_two_sandboxes_are_two_worlds():
    order()
    SandboxCarrier(carrier="other").order_numbers(ORDER, idempotency_key="key-1")
    assert SandboxRequest.objects.count() == 2
    assert SandboxNumber.objects.count() == 4


def test_a_number_is_given_out_once_until_it_comes_back():
    order()
    with pytest.raises(CarrierRejectedError):
        order("key-2", NumberOrder(numbers=("+31201230003", NUMBERS[1])))
    assert set(SandboxNumber.objects.values_list("number", flat=True)) == set(NUMBERS)
    SandboxCarrier().release_number(RELEASE, idempotency_key="key-3")
    order("key-4", NumberOrder(numbers=(NUMBERS[0],)))
    with pytest.raises(CarrierRejectedError):  # what was refused stays so
        order("key-2", NumberOrder(numbers=("+31201230003", NUMBERS[1])))


@pytest.mark.parametrize("fault", ["timeout_before", "unavailable", "rate_limit"])
def test_a_fault_before_the_deed_leaves_nothing_done(fault, slept):
    SandboxFaultFactory(fault=fault, seconds=30)
    with pytest.raises(CarrierUnavailableError) as raised:
        order()
    assert raised.value.nothing_done is (fault != "timeout_before")
    assert raised.value.retry_after_seconds == (30 if fault == "rate_limit" else None)
    assert slept == ([30] if fault == "timeout_before" else [])
    assert not SandboxRequest.objects.exists()
    assert order().state == "done"


def test_a_timeout_after_the_deed_leaves_it_done_and_the_receipt_to_be_found():
    SandboxFaultFactory(fault="timeout_after", times_left=2)
    for _ in range(2):
        with pytest.raises(CarrierUnavailableError) as raised:
            order()
        assert not raised.value.nothing_done
        assert SandboxRequest.objects.get().state == "done"
    assert order().reference == SandboxRequest.objects.get().reference
    assert SandboxNumber.objects.count() == len(NUMBERS)


def test_what_is_refused_stays_refused_and_does_nothing():
    fault = SandboxFaultFactory(fault="reject")
    for _ in range(2):
        with pytest.raises(CarrierRejectedError):
            order()
    fault.refresh_from_db()
    assert fault.times_left == 0
    assert SandboxRequest.objects.get().state == "rejected"
    assert not SandboxNumber.objects.exists()


def test_what_was_done_is_not_refused_by_a_later_fault():
    order()
    SandboxFaultFactory(fault="reject")
    assert order().state == "done"


def test_a_slow_answer_is_an_answer(slept):
    SandboxFaultFactory(fault="latency", seconds=3)
    assert order().state == "done"
    assert slept == [3]


def test_slow_provisioning_is_accepted_and_reported_later():
    SandboxFaultFactory(fault="slow_provisioning", seconds=30)
    assert order().state == "accepted"
    row = SandboxRequest.objects.get()
    assert row.report_event == "operation.completed"
    assert 29 < (row.report_due_at - timezone.now()).total_seconds() <= 30
    assert order().state == "accepted"


@pytest.mark.parametrize(
    ("to_number", "event"),
    [("+31612345678", "message.delivered"), ("+31612340000", "message.undelivered")],
)
def test_a_sent_message_will_be_reported(to_number, event):
    message = OutboundMessage(
        channel="sms", from_number=NUMBERS[0], to_number=to_number, text="Hello"
    )
    SandboxCarrier().send_message(message, idempotency_key="key-1")
    assert SandboxRequest.objects.get().report_event == event


@pytest.mark.parametrize(
    "fields",
    [{"kind": "send_message"}, {"number": "+31201239999"}, {"times_left": 0}],
    ids=["another kind", "another number", "used up"],
)
def test_a_fault_that_does_not_fit_waits(fields):
    fault = SandboxFaultFactory(fault="reject", **fields)
    left = fault.times_left
    assert order().state == "done"
    fault.refresh_from_db()
    assert fault.times_left == left


@pytest.mark.parametrize("number", [MESSAGE.to_number, MESSAGE.from_number, ""])
def test_a_fault_finds_its_number(number):
    SandboxFaultFactory(fault="reject", kind="send_message", number=number)
    with pytest.raises(CarrierRejectedError):
        SandboxCarrier().send_message(MESSAGE, idempotency_key="key-1")


def test_faults_are_used_one_at_a_time_the_oldest_first():
    older = SandboxFaultFactory(fault="unavailable")
    newer = SandboxFaultFactory(fault="rate_limit")
    with pytest.raises(CarrierUnavailableError, match="maintenance"):
        order()
    for fault, left in ((older, 0), (newer, 1)):
        fault.refresh_from_db()
        assert fault.times_left == left


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("carriers_sandboxfault_fault_valid", {"fault": "fire"}),
        ("carriers_sandboxfault_kind_valid", {"kind": "dance"}),
        ("carriers_sandboxfault_number_e164", {"number": "0201234567"}),
    ],
)
def test_the_database_refuses_a_fault_that_cannot_be(constraint, fields):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        SandboxFaultFactory(**fields)
