from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.billing.errors import BalanceTooLow
from cliqtel_portal.billing.models import LedgerEntry
from cliqtel_portal.billing.services import balance
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.errors import InvalidArguments, NotFound
from cliqtel_portal.messaging.errors import DraftWithdrawn, KeyConflict, OverLimit
from cliqtel_portal.messaging.models import Message, MessageBatch
from cliqtel_portal.messaging.services import (
    Origin,
    Prepared,
    check_draft,
    daily_allowance,
    draft,
    link_draft,
    send_draft,
    send_now,
    withdraw_draft,
)
from cliqtel_portal.numbers.models import PhoneNumber
from tests.cliqtel_portal.messaging.conftest import ANNA, BEN
from tests.factories.billing import LedgerEntryFactory
from tests.factories.messaging import OptOutFactory

pytestmark = pytest.mark.django_db

Make = Callable[..., Prepared]


def nothing_was_written(tenant: Tenant) -> bool:
    return not (
        MessageBatch.objects.exists()
        or Message.objects.exists()
        or CarrierOperation.objects.exists()
        or LedgerEntry.objects.filter(kind="messages").exists()
    )


@pytest.mark.usefixtures("limit")
def test_within_the_limit_it_is_queued_booked_and_handed_to_the_outbox(
    message: Make, origin: Origin, acme: Tenant
) -> None:
    batch = send_now(message(to=[ANNA, BEN]), origin=origin, key="k1")
    assert (batch.state, batch.approval_id, batch.cost) == ("sent", None, Decimal("0.10"))
    sent = {row.to_number: row for row in Message.objects.for_tenant(acme)}
    assert set(sent) == {ANNA, BEN}
    assert {row.status for row in sent.values()} == {"queued"}
    assert {row.batch_id for row in sent.values()} == {batch.pk}
    entry = LedgerEntry.objects.get(kind="messages")
    assert (entry.reference, entry.amount) == (f"batch:{batch.pk}", Decimal("-0.10"))
    assert {(row.idempotency_key, row.kind) for row in CarrierOperation.objects.all()} == {
        (f"message:{row.pk}", "send_message") for row in sent.values()
    }
    assert {row.payload["message_id"] for row in CarrierOperation.objects.all()} == {
        str(row.pk) for row in sent.values()
    }


@pytest.mark.usefixtures("limit")
def test_the_same_key_sends_once(message: Make, origin: Origin) -> None:
    first = send_now(message(), origin=origin, key="k1")
    again = send_now(message(), origin=origin, key="k1")
    assert again == first
    assert Message.objects.count() == 1
    with pytest.raises(KeyConflict):
        send_now(message(text="Another"), origin=origin, key="k1")
    assert (Message.objects.count(), CarrierOperation.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "beyond",
    [
        {"to": [f"+44770090{n:04d}" for n in range(6)]},
        # 5 messages of 5 segments at €0.05 are over €1.00.
        {"to": [f"+44770090{n:04d}" for n in range(5)], "text": "x" * 700},
    ],
)
@pytest.mark.usefixtures("limit")
def test_what_is_beyond_the_limit_is_not_sent(
    message: Make, origin: Origin, acme: Tenant, beyond: dict[str, object]
) -> None:
    with pytest.raises(OverLimit):
        send_now(message(**beyond), origin=origin, key="k1")
    assert nothing_was_written(acme)


def test_without_a_limit_nothing_is_sent(message: Make, origin: Origin, acme: Tenant) -> None:
    with pytest.raises(OverLimit):
        send_now(message(), origin=origin, key="k1")
    assert nothing_was_written(acme)


@pytest.mark.usefixtures("limit")
def test_what_the_account_does_not_pay_is_not_sent(
    message: Make, origin: Origin, acme: Tenant
) -> None:
    LedgerEntryFactory(tenant=acme, amount=Decimal("-9.96"))
    with pytest.raises(BalanceTooLow):
        send_now(message(), origin=origin, key="k1")
    assert nothing_was_written(acme)


@pytest.mark.usefixtures("limit")
def test_a_draft_holds_what_an_approval_sends(message: Make, origin: Origin, acme: Tenant) -> None:
    OptOutFactory(tenant=acme, peer_number=BEN)
    batch = draft(message(to=[ANNA, BEN]), origin=origin, key="d1")
    assert (batch.state, batch.recipients, batch.opted_out) == ("draft", [ANNA], [BEN])
    assert not Message.objects.exists()
    assert balance(acme).amount == Decimal("10.00")
    approval = uuid.uuid4()
    sent = send_draft(acme, batch_id=batch.pk, approval_id=approval)
    assert (sent.state, sent.approval_id) == ("sent", approval)
    assert [row.to_number for row in Message.objects.all()] == [ANNA]
    assert send_draft(acme, batch_id=batch.pk, approval_id=approval).sent_at == sent.sent_at
    assert (Message.objects.count(), CarrierOperation.objects.count()) == (1, 1)
    assert balance(acme).amount == Decimal("9.95")


@pytest.mark.usefixtures("limit")
def test_what_a_person_approved_does_not_use_up_the_limit(
    message: Make, origin: Origin, acme: Tenant
) -> None:
    batch = draft(message(to=[ANNA, BEN]), origin=origin, key="d1")
    send_draft(acme, batch_id=batch.pk, approval_id=uuid.uuid4())
    assert daily_allowance(acme).messages_left == 5
    send_now(message(), origin=origin, key="k1")
    left = daily_allowance(acme)
    assert (left.messages_left, left.amount_left.amount) == (4, Decimal("0.95"))


def test_who_said_stop_since_gets_nothing_and_is_not_paid_for(
    message: Make, origin: Origin, acme: Tenant
) -> None:
    batch = draft(message(to=[ANNA, BEN]), origin=origin, key="d1")
    assert check_draft(acme, batch_id=batch.pk).cost.amount == Decimal("0.10")
    OptOutFactory(tenant=acme, peer_number=BEN)
    assert check_draft(acme, batch_id=batch.pk).cost.amount == Decimal("0.05")
    sent = send_draft(acme, batch_id=batch.pk, approval_id=uuid.uuid4())
    assert [row.to_number for row in Message.objects.all()] == [ANNA]
    assert sent.cost == Decimal("0.05")
    assert balance(acme).amount == Decimal("9.95")


def test_a_draft_is_checked_again_before_it_is_sent(
    message: Make, origin: Origin, acme: Tenant, sender: PhoneNumber
) -> None:
    batch = draft(message(), origin=origin, key="d1")
    PhoneNumber.objects.filter(pk=sender.pk).update(status="disabled")
    with pytest.raises(InvalidArguments):
        send_draft(acme, batch_id=batch.pk, approval_id=uuid.uuid4())
    batch.refresh_from_db()
    assert batch.state == "draft"
    assert not Message.objects.exists()


def test_a_withdrawn_draft_is_never_sent(message: Make, origin: Origin, acme: Tenant) -> None:
    batch = draft(message(), origin=origin, key="d1")
    withdraw_draft(acme, batch_id=batch.pk)
    withdraw_draft(acme, batch_id=batch.pk)
    with pytest.raises(DraftWithdrawn):
        send_draft(acme, batch_id=batch.pk, approval_id=uuid.uuid4())
    with pytest.raises(DraftWithdrawn):
        check_draft(acme, batch_id=batch.pk)
    assert not Message.objects.exists()


def test_what_was_sent_can_not_be_withdrawn(message: Make, origin: Origin, acme: Tenant) -> None:
    batch = draft(message(), origin=origin, key="d1")
    send_draft(acme, batch_id=batch.pk, approval_id=uuid.uuid4())
    withdraw_draft(acme, batch_id=batch.pk)
    batch.refresh_from_db()
    assert batch.state == "sent"


def test_another_tenants_draft_is_not_found(
    message: Make, origin: Origin, mallory: Membership
) -> None:
    batch = draft(message(), origin=origin, key="d1")
    with pytest.raises(NotFound):
        send_draft(mallory.tenant, batch_id=batch.pk, approval_id=uuid.uuid4())
    with pytest.raises(NotFound):
        check_draft(mallory.tenant, batch_id=batch.pk)
    withdraw_draft(mallory.tenant, batch_id=batch.pk)
    batch.refresh_from_db()
    assert batch.state == "draft"


@pytest.mark.usefixtures("limit")
def test_a_new_day_has_a_new_limit(message: Make, origin: Origin) -> None:
    now = timezone.now()
    five = [f"+44770090{n:04d}" for n in range(5)]
    send_now(message(to=five), origin=origin, key="k1", now=now)
    with pytest.raises(OverLimit):
        send_now(message(), origin=origin, key="k2", now=now)
    send_now(message(), origin=origin, key="k3", now=now + timedelta(days=1))
    assert Message.objects.count() == 6


def test_a_draft_is_sent_by_its_own_approval_only(
    message: Make, origin: Origin, acme: Tenant
) -> None:
    batch = draft(message(), origin=origin, key="d1")
    mine = uuid.uuid4()
    link_draft(batch, approval_id=mine)
    link_draft(MessageBatch.objects.get(), approval_id=uuid.uuid4())
    with pytest.raises(NotFound):
        send_draft(acme, batch_id=batch.pk, approval_id=uuid.uuid4())
    assert not Message.objects.exists()
    assert send_draft(acme, batch_id=batch.pk, approval_id=mine).state == "sent"
