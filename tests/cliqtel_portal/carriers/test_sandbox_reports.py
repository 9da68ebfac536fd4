"""The sandbox reports by itself, through the same door as any carrier."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cliqtel_portal.carriers import reports, sandbox_reports, services, tasks
from cliqtel_portal.carriers.models import SandboxRequest, WebhookReceipt
from cliqtel_portal.carriers.reports import DeliveryReport
from tests.factories.carriers import SandboxFaultFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard(monkeypatch):
    told: list[DeliveryReport] = []
    monkeypatch.setitem(reports._listeners, DeliveryReport, told.append)
    return told


def enqueue(tenant, **fields):
    values = {"kind": "send_message", "idempotency_key": "message:1", "payload": {}, **fields}
    return services.enqueue(tenant, **values)


def send_all(now):
    for request_id in sandbox_reports.due_ids(now=now):
        sandbox_reports.send_report(request_id, now=now)


@pytest.mark.parametrize(
    ("to_number", "status", "error_code"),
    [("+31612345678", "delivered", ""), ("+31612340000", "undelivered", "unreachable")],
)
def test_a_message_is_reported_a_second_later_once(
    acme, handler, heard, to_number, status, error_code
):
    operation = services.perform(enqueue(acme, payload={"to": to_number}).pk)
    assert sandbox_reports.due_ids() == []
    later = timezone.now() + timedelta(seconds=1)
    send_all(later)
    send_all(later + timedelta(days=1))
    assert heard == [
        DeliveryReport(
            reference=operation.carrier_reference,
            status=status,
            error_code=error_code,
            carrier="sandbox",
        )
    ]
    assert SandboxRequest.objects.get().report_due_at is None


def test_slow_provisioning_ends_by_its_report(acme, handler):
    SandboxFaultFactory(fault="slow_provisioning", seconds=30)
    order = enqueue(acme, kind="order_numbers", idempotency_key="order:1")
    operation = services.perform(order.pk)
    assert operation.state == "accepted"
    send_all(timezone.now() + timedelta(seconds=29))
    operation.refresh_from_db()
    assert operation.state == "accepted"
    send_all(timezone.now() + timedelta(seconds=31))
    operation.refresh_from_db()
    reference = operation.carrier_reference
    assert operation.state == SandboxRequest.objects.get().state == "done"
    assert handler.told == [f"accepted {reference} accepted", f"done {reference} done"]


def test_a_report_that_overtakes_the_receipt_is_sent_again_and_heard(acme, handler, heard):
    SandboxFaultFactory(fault="timeout_after")
    operation = services.perform(enqueue(acme).pk)
    assert operation.state == "pending"
    send_all(timezone.now() + timedelta(seconds=2))
    assert heard == []
    services.perform(operation.pk, now=operation.due_at)
    send_all(timezone.now() + timedelta(minutes=1))
    assert len(heard) == 1


def test_a_sandbox_that_dies_while_it_reports_does_so_again(acme, handler, heard, monkeypatch):
    class Died(BaseException):
        pass

    real = sandbox_reports.receive

    def dies(*args, **options):
        real(*args, **options)
        raise Died

    services.perform(enqueue(acme).pk)
    with monkeypatch.context() as patched:
        patched.setattr(sandbox_reports, "receive", dies)
        with pytest.raises(Died):
            send_all(timezone.now() + timedelta(seconds=2))
    assert SandboxRequest.objects.get().report_due_at is not None
    send_all(timezone.now() + timedelta(minutes=1))
    assert (len(heard), WebhookReceipt.objects.count()) == (1, 1)
    assert SandboxRequest.objects.get().report_due_at is None


def test_what_nobody_knows_is_not_reported_for_ever(acme, handler, heard):
    SandboxFaultFactory(fault="timeout_after")
    services.perform(enqueue(acme).pk)
    now = timezone.now()
    for _ in range(sandbox_reports.MAX_ATTEMPTS):
        now += timedelta(days=1)
        send_all(now)
    assert SandboxRequest.objects.get().report_due_at is None
    assert heard == []


def test_the_scans_task_sends_what_is_due(acme, handler, heard):
    services.perform(enqueue(acme).pk)
    tasks.send_due_sandbox_reports()
    assert heard == []
    SandboxRequest.objects.update(report_due_at=timezone.now())
    tasks.send_due_sandbox_reports()
    assert len(heard) == 1


def test_a_message_has_its_report_sent_for_without_the_scan(
    acme, handler, heard, monkeypatch, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr(
        tasks.send_sandbox_report, "apply_async", lambda args, eta: sent.append((args, eta))
    )
    operation = enqueue(acme)
    with django_capture_on_commit_callbacks(execute=True):
        services.perform(operation.pk)
    row = SandboxRequest.objects.get()
    assert sent == [([str(row.pk)], row.report_due_at)]
