"""Who may report, what is heard, and that it is heard once."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cliqtel_portal.carriers import reports, tasks
from cliqtel_portal.carriers.models import WebhookReceipt
from cliqtel_portal.carriers.reports import DeliveryReport, InboundMessage, OperationReport
from cliqtel_portal.carriers.webhooks.sandbox import SandboxWebhook
from tests.factories.carriers import CarrierOperationFactory

pytestmark = pytest.mark.django_db

URL = "/carriers/sandbox/webhook"
INBOUND = {
    "id": "evt-1",
    "type": "message.received",
    "data": {
        "id": "in-1",
        "channel": "sms",
        "from": "+31612345678",
        "to": "+31201230001",
        "text": "STOP sending 4711",
    },
}


def report_of(kind, reference="ref-1", event_id="evt-1", **data):
    return {"id": event_id, "type": kind, "data": {"reference": reference, **data}}


@pytest.fixture
def heard(monkeypatch):
    """What the listeners were told; they stand in for the apps above."""
    told: list[reports.Report] = []
    for kind in (DeliveryReport, InboundMessage):
        monkeypatch.setitem(reports._listeners, kind, told.append)
    return told


@pytest.fixture
def sent(acme):
    """An operation of ours that the sandbox calls ref-1."""
    return CarrierOperationFactory(
        tenant=acme, carrier="sandbox", kind="send_message", done=True, carrier_reference="ref-1"
    )


@pytest.fixture
def post(client):
    def send(event, *, url=URL, now=None, secret="", body=None, **headers):
        body = json.dumps(event).encode() if body is None else body
        signed = SandboxWebhook(secret=secret).sign(body, now=now or timezone.now())
        return client.post(
            url, body, content_type="application/json", headers={**signed, **headers}
        )

    return send


@pytest.mark.parametrize(
    ("event", "report"),
    [
        (
            report_of("message.delivered"),
            DeliveryReport(reference="ref-1", status="delivered", carrier="sandbox"),
        ),
        (
            report_of("message.undelivered", error="unreachable"),
            DeliveryReport(
                reference="ref-1",
                status="undelivered",
                error_code="unreachable",
                carrier="sandbox",
            ),
        ),
        (
            INBOUND,
            InboundMessage(
                carrier_message_id="in-1",
                channel="sms",
                from_number="+31612345678",
                to_number="+31201230001",
                text="STOP sending 4711",
                carrier="sandbox",
            ),
        ),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_each_event_is_put_into_our_words(post, sent, heard, event, report):
    response = post(event)
    assert (response.status_code, response.content) == (200, b"")
    assert heard == [report]
    assert WebhookReceipt.objects.get().event_id == "evt-1"


def test_the_same_event_again_changes_nothing(post, sent, heard):
    assert [post(report_of("message.delivered")).status_code for _ in range(3)] == [200] * 3
    assert len(heard) == 1


def test_another_carriers_event_of_the_same_id_is_another(post, sent, heard, settings):
    WebhookReceipt.objects.create(carrier="other", event_id="evt-1")
    post(report_of("message.delivered"))
    assert len(heard) == 1


def test_what_a_listener_could_not_take_comes_again(post, sent, heard, monkeypatch):
    def breaks(report):
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setitem(reports._listeners, DeliveryReport, breaks)
        with pytest.raises(ZeroDivisionError):
            post(report_of("message.delivered"))
    assert not WebhookReceipt.objects.exists()
    assert post(report_of("message.delivered")).status_code == 200
    assert len(heard) == 1


def test_a_report_that_overtook_its_receipt_is_asked_for_again(post, acme, heard):
    operation = CarrierOperationFactory(tenant=acme, carrier="sandbox", kind="send_message")
    assert post(report_of("message.delivered")).status_code == 409
    assert (heard, WebhookReceipt.objects.count()) == ([], 0)
    operation.carrier_reference = "ref-1"
    operation.save()
    assert post(report_of("message.delivered")).status_code == 200
    assert len(heard) == 1


def test_a_carrier_cannot_report_on_anothers_operation(post, acme, heard):
    CarrierOperationFactory(tenant=acme, carrier="other", done=True, carrier_reference="ref-1")
    assert post(report_of("message.delivered")).status_code == 409
    assert heard == []


FORGED = {
    "another's secret": {"secret": "another"},
    "too long ago": {"now": timezone.now() - timedelta(seconds=301)},
    "too far ahead": {"now": timezone.now() + timedelta(hours=1)},
    "no signature": {"X-Sandbox-Signature": ""},
    "not ascii": {"X-Sandbox-Signature": "é"},
    "no time": {"X-Sandbox-Timestamp": ""},
    "another time": {"X-Sandbox-Timestamp": "1800000000"},
    "a strange time": {"X-Sandbox-Timestamp": "²"},
    "a huge time": {"X-Sandbox-Timestamp": "9" * 5000},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_what_the_carrier_did_not_sign_is_not_heard(post, sent, heard, forged):
    response = post(report_of("message.delivered"), **forged)
    assert (response.status_code, response.content) == (403, b"")
    assert (heard, WebhookReceipt.objects.count()) == ([], 0)


def test_a_signature_does_not_fit_another_body(client, sent, heard):
    signed = SandboxWebhook().sign(b"{}", now=timezone.now())
    body = json.dumps(report_of("message.delivered"))
    response = client.post(URL, body, content_type="application/json", headers=signed)
    assert (response.status_code, heard) == (403, [])


def test_a_configured_secret_is_the_one(post, sent, heard, settings):
    entry = {**settings.CARRIERS["sandbox"], "webhook_options": {"secret": "s3cret"}}
    settings.CARRIERS = {"sandbox": entry}
    assert post(report_of("message.delivered")).status_code == 403
    assert post(report_of("message.delivered"), secret="s3cret").status_code == 200
    assert "s3cret" not in repr(SandboxWebhook(secret="s3cret"))


@pytest.mark.parametrize("path", ["/carriers/nobody/webhook", "/carriers/silent/webhook"])
def test_who_has_no_webhook_is_not_found(post, sent, heard, settings, path):
    silent = {"backend": settings.CARRIERS["sandbox"]["backend"]}
    settings.CARRIERS = {**settings.CARRIERS, "silent": silent}
    assert post(report_of("message.delivered"), url=path).status_code == 404
    assert heard == []


def test_it_is_for_posting_and_needs_no_session(client):
    assert client.get(URL).status_code == 405


MALFORMED = {
    "no json": b"message.delivered",
    "a list": b"[]",
    "no id": json.dumps({**INBOUND, "id": ""}).encode(),
    "no data": json.dumps({**INBOUND, "data": "text"}).encode(),
    "no number": json.dumps({**INBOUND, "data": {**INBOUND["data"], "to": "me"}}).encode(),
    "a NUL": json.dumps({**INBOUND, "data": {**INBOUND["data"], "text": "a\0b"}}).encode(),
    "half a character": json.dumps(
        {**INBOUND, "data": {**INBOUND["data"], "text": "\ud800"}}
    ).encode(),
    "no reference": json.dumps(report_of("message.delivered", reference="")).encode(),
    "deep": b'{"id": "1", "type": "x", "data": ' + b"[" * 20_000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_what_cannot_be_read_is_refused_whole(post, sent, heard, body, caplog):
    response = post(None, body=body)
    assert (response.status_code, response.content) == (400, b"")
    assert (heard, WebhookReceipt.objects.count()) == ([], 0)
    assert "4711" not in caplog.text


def test_a_body_has_a_bound(post, heard, settings):
    assert post(None, body=b" " * (settings.CARRIER_WEBHOOK_MAX_BYTES + 1)).status_code == 413


def test_kinds_of_events_that_nobody_uses_are_taken_and_left(post, heard):
    assert post(report_of("invoice.created")).status_code == 200
    assert (heard, WebhookReceipt.objects.count()) == ([], 0)


def test_neither_log_nor_words_hold_a_received_text(post, heard, caplog):
    with caplog.at_level("DEBUG"):
        post(INBOUND)
    assert "4711" not in caplog.text
    assert "4711" not in repr(heard)


@pytest.mark.parametrize(
    ("kind", "state", "told"),
    [
        ("operation.completed", "done", "done ref-1 done"),
        ("operation.failed", "failed", "failed carrier_rejected failed"),
    ],
)
def test_an_accepted_operation_ends_as_reported_once(post, acme, handler, kind, state, told):
    operation = CarrierOperationFactory(tenant=acme, carrier="sandbox", accepted=True)
    for event_id in ("evt-1", "evt-2", "evt-2"):
        assert post(report_of(kind, event_id=event_id)).status_code == 200
    operation.refresh_from_db()
    assert operation.state == state
    assert operation.finished_at is not None
    assert handler.told == [told]


def test_an_end_that_is_known_is_not_changed_by_a_report(post, sent, handler):
    assert post(report_of("operation.failed")).status_code == 200
    sent.refresh_from_db()
    assert (sent.state, handler.told) == ("done", [])


def test_receipts_are_kept_as_long_as_a_carrier_repeats(settings):
    now = timezone.now()
    days = settings.CARRIER_WEBHOOK_RECEIPT_DAYS
    for event_id, age in (("old", days + 1), ("new", days - 1)):
        WebhookReceipt.objects.create(
            carrier="sandbox", event_id=event_id, received_at=now - timedelta(days=age)
        )
    tasks.forget_old_webhooks()
    assert WebhookReceipt.objects.get().event_id == "new"


def test_the_database_keeps_an_event_once():
    WebhookReceipt.objects.create(carrier="sandbox", event_id="evt-1")
    for constraint, event_id in (
        ("carriers_webhookreceipt_event_unique", "evt-1"),
        ("carriers_webhookreceipt_event_present", ""),
    ):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            WebhookReceipt.objects.create(carrier="sandbox", event_id=event_id)


def test_a_type_has_one_listener():
    with pytest.raises(ValueError, match="already"):
        reports.register(OperationReport, print)
