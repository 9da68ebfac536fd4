from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from cliqtel_portal.messaging.models import (
    Message,
    MessageBatch,
    MessageTemplate,
    MessagingLimitChange,
    OptOut,
)
from tests.factories.accounts import UserFactory
from tests.factories.messaging import (
    MessageBatchFactory,
    MessageFactory,
    MessageTemplateFactory,
    MessagingLimitFactory,
    OptOutFactory,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("messaging_message_status_fits_direction", {"status": "received"}),
        ("messaging_message_status_fits_direction", {"received": True, "status": "sent"}),
        ("messaging_message_status_fits_direction", {"direction": "sideways"}),
        ("messaging_message_channel_valid", {"channel": "fax"}),
        ("messaging_message_numbers_e164", {"from_number": "07700 900100"}),
        ("messaging_message_numbers_e164", {"to_number": "+0447700900"}),
        ("messaging_message_segments_positive", {"segments": 0}),
        ("messaging_message_cost_not_negative", {"cost": Decimal("-0.01")}),
        ("messaging_message_currency_valid", {"currency": "eur"}),
        ("messaging_message_encoding_valid", {"encoding": "utf7"}),
    ],
)
def test_the_database_refuses_a_message_that_cannot_be(
    constraint: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        MessageFactory(**fields)
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("messaging_limit_amount_not_negative", {"amount_per_day": Decimal("-1")}),
        ("messaging_limit_currency_valid", {"currency": "€"}),
    ],
)
def test_the_database_refuses_a_limit_that_cannot_be(
    constraint: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        MessagingLimitFactory(**fields)


def test_a_tenant_has_one_limit() -> None:
    limit = MessagingLimitFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        MessagingLimitFactory(tenant=limit.tenant)


def test_the_words_of_a_message_row_do_not_hold_its_text() -> None:
    message = MessageFactory(body="my code is 4711")
    assert "4711" not in f"{message} {message!r}"


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("messaging_batch_key_present", {"key": ""}),
        ("messaging_batch_state_complete", {"state": "sent"}),
        ("messaging_batch_state_complete", {"sent_at": "2026-11-20T12:00Z"}),
        ("messaging_batch_channel_valid", {"channel": "fax"}),
        ("messaging_batch_channel_valid", {"encoding": "utf7"}),
        ("messaging_batch_sender_e164", {"from_number": "07700 900100"}),
        ("messaging_batch_has_recipients", {"recipients": []}),
        ("messaging_batch_cost_valid", {"cost": Decimal("-1")}),
        ("messaging_batch_cost_valid", {"segments": 0}),
    ],
)
def test_the_database_refuses_a_batch_that_cannot_be(
    constraint: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        MessageBatchFactory(**fields)
    assert not MessageBatch.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"body": "Send money"},
        {"recipients": ["+447700900199"]},
        {"from_number": "+447700900199"},
        {"opted_out": ["+447700900101"]},
        {"key": "another"},
    ],
)
def test_what_a_draft_would_send_never_changes(change: dict[str, Any]) -> None:
    batch = MessageBatchFactory()
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        MessageBatch.objects.filter(pk=batch.pk).update(**change)
    batch.refresh_from_db()
    assert batch.body == "Your order is on its way."


def test_a_withdrawn_batch_is_never_sent() -> None:
    batch = MessageBatchFactory(state="withdrawn")
    with pytest.raises(IntegrityError, match="once"), transaction.atomic():
        MessageBatch.objects.filter(pk=batch.pk).update(state="sent", sent_at=batch.created_at)


def test_a_message_is_in_a_batch_of_its_own_tenant_and_once() -> None:
    batch = MessageBatchFactory()
    with pytest.raises(IntegrityError, match="of its own tenant"), transaction.atomic():
        MessageFactory(batch=batch)
    MessageFactory(batch=batch, tenant=batch.tenant)
    with pytest.raises(IntegrityError, match="once_in_a_batch"), transaction.atomic():
        MessageFactory(batch=batch, tenant=batch.tenant)


def test_a_carriers_reference_names_one_message_in_each_direction() -> None:
    MessageFactory(carrier_reference="x1")
    MessageFactory(carrier_reference="x1", received=True)
    with pytest.raises(IntegrityError, match="reference_unique"), transaction.atomic():
        MessageFactory(carrier_reference="x1")


def test_who_set_the_limit_stays_on_record() -> None:
    change = MessagingLimitChange.objects.create(
        tenant=MessagingLimitFactory().tenant,
        set_by=UserFactory(),
        messages_per_day=5,
        amount_per_day=Decimal(1),
        currency="EUR",
    )
    for spoil in (change.delete, lambda: MessagingLimitChange.objects.update(messages_per_day=9)):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            spoil()
    assert MessagingLimitChange.objects.get().messages_per_day == 5


def test_one_opt_out_holds_at_a_time() -> None:
    first = OptOutFactory(ended_at="2999-01-01T00:00Z")
    again = {"tenant": first.tenant, "peer_number": first.peer_number}
    OptOutFactory(**again)
    with pytest.raises(IntegrityError, match="messaging_opt_out_once"), transaction.atomic():
        OptOutFactory(**again)
    assert OptOut.objects.live().count() == 1


def test_a_template_has_one_name_for_each_channel() -> None:
    first = MessageTemplateFactory()
    MessageTemplateFactory(tenant=first.tenant, channel="sms")
    with pytest.raises(IntegrityError, match="name_unique"), transaction.atomic():
        MessageTemplateFactory(tenant=first.tenant)
    assert MessageTemplate.objects.count() == 2
