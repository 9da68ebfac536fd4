"""Sending: now within the limit, or from a draft that a person approved.

Each of these holds the account first, so what a tenant sends at the same moment is counted, and
paid, one after the other.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant, User
from cliqtel_portal.billing.models import LedgerEntry
from cliqtel_portal.billing.services import hold_account, record_entry, require_balance
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.carriers.services import enqueue_all
from cliqtel_portal.errors import NotFound
from cliqtel_portal.messaging.errors import (
    DraftWithdrawn,
    KeyConflict,
    MessagePriceChanged,
    OverLimit,
)
from cliqtel_portal.messaging.models import Message, MessageBatch
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.messaging.services.allowance import daily_allowance
from cliqtel_portal.messaging.services.preparing import Prepared, prepare_again
from cliqtel_portal.money import Money

State = MessageBatch.State


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who wants it sent. The token's and the client's only where an AI host asks."""

    user: User
    token_id: uuid.UUID | None = None
    token_label: str = ""
    client_label: str = ""


@transaction.atomic
def send_now(
    prepared: Prepared, *, origin: Origin, key: str, now: datetime | None = None
) -> MessageBatch:
    """The messages are queued and booked, once for each key of the tenant.

    Raises:
        OverLimit: a person has to approve that much; nothing was written.
        BalanceTooLow: the account does not pay it.
        KeyConflict: the key was used for another message.
    """
    now = now or timezone.now()
    hold_account(prepared.tenant)
    earlier = _of_key(prepared, key)
    if earlier is not None:
        return earlier
    allowance = daily_allowance(prepared.tenant, now=now)
    if not allowance.covers(len(prepared.recipients), prepared.cost):
        raise OverLimit("This is over today's limit: a person has to approve it.")
    batch = _new_batch(prepared, origin=origin, key=key, state=State.SENT, now=now)
    _queue(batch, prepared, now)
    return batch


@transaction.atomic
def draft(
    prepared: Prepared, *, origin: Origin, key: str, now: datetime | None = None
) -> MessageBatch:
    """What would be sent is kept, unchangeable, until it is sent or withdrawn; once for each key.

    Raises:
        KeyConflict: the key was used for another message.
    """
    hold_account(prepared.tenant)
    earlier = _of_key(prepared, key)
    if earlier is not None:
        return earlier
    return _new_batch(
        prepared, origin=origin, key=key, state=State.DRAFT, now=now or timezone.now()
    )


@transaction.atomic
def link_draft(batch: MessageBatch, *, approval_id: uuid.UUID) -> None:
    """The draft waits for that approval, and is sent by no other."""
    MessageBatch.objects.for_tenant(batch.tenant).filter(
        pk=batch.pk, state=State.DRAFT, approval_id__isnull=True
    ).update(approval_id=approval_id)
    batch.approval_id = approval_id


def check_draft(tenant: Tenant, *, batch_id: uuid.UUID, now: datetime | None = None) -> Prepared:
    """Return the draft as it could be sent now: prices, opt-outs and the sender as they are today.

    Raises:
        NotFound: the tenant has no such draft, or no longer the number.
        InvalidArguments: it can't be sent any more; `problems` say why.
        DraftWithdrawn: it was.
    """
    batch = MessageBatch.objects.for_tenant(tenant).filter(pk=batch_id).first()
    if batch is None:
        raise NotFound("There is no such draft. Have it drafted again.")
    if batch.state == State.WITHDRAWN:
        raise DraftWithdrawn("This message was withdrawn. Have it drafted again.")
    return _prepared(batch, now or timezone.now())


@transaction.atomic
def send_draft(
    tenant: Tenant,
    *,
    batch_id: uuid.UUID,
    approval_id: uuid.UUID,
    at_most: Money | None = None,
    now: datetime | None = None,
) -> MessageBatch:
    """The draft is queued and booked; one that was sent already is returned as it is.

    Who said STOP since is left out, and not paid for. `at_most` is what was approved.

    Raises:
        NotFound, InvalidArguments, DraftWithdrawn: as for `check_draft`.
        MessagePriceChanged: it costs more now, or in another currency.
        BalanceTooLow: the account does not pay it.
    """
    now = now or timezone.now()
    hold_account(tenant)
    batch = MessageBatch.objects.for_tenant(tenant).select_for_update().filter(pk=batch_id).first()
    if batch is None or batch.approval_id not in {None, approval_id}:
        raise NotFound("There is no such draft. Have it drafted again.")
    if batch.state == State.SENT:
        return batch
    if batch.state == State.WITHDRAWN:
        raise DraftWithdrawn("This message was withdrawn. Have it drafted again.")
    prepared = _prepared(batch, now)
    if at_most is not None and not _is_within(prepared.cost, at_most):
        raise MessagePriceChanged("The price went up after the approval. Nothing was sent.")
    batch.state = State.SENT
    batch.sent_at = now
    batch.approval_id = approval_id
    batch.cost = prepared.cost.amount
    batch.save(update_fields=["state", "sent_at", "approval_id", "cost"])
    _queue(batch, prepared, now)
    return batch


@transaction.atomic
def withdraw_draft(tenant: Tenant, *, batch_id: uuid.UUID) -> None:
    """The draft is never sent. One that was sent, or withdrawn, stays as it is."""
    MessageBatch.objects.for_tenant(tenant).filter(pk=batch_id, state=State.DRAFT).update(
        state=State.WITHDRAWN
    )


def _of_key(prepared: Prepared, key: str) -> MessageBatch | None:
    batch = MessageBatch.objects.for_tenant(prepared.tenant).filter(key=key).first()
    if batch is None:
        return None
    if (batch.channel, batch.from_number, batch.body) != (
        prepared.channel,
        prepared.from_number,
        prepared.text,
    ):
        raise KeyConflict("That key was used for another message. Use a key of its own.")
    return batch


def _new_batch(
    prepared: Prepared, *, origin: Origin, key: str, state: MessageBatch.State, now: datetime
) -> MessageBatch:
    return MessageBatch.objects.create(
        tenant=prepared.tenant,
        key=key,
        state=state,
        channel=prepared.channel,
        from_number=prepared.from_number,
        recipients=list(prepared.recipients),
        opted_out=list(prepared.opted_out),
        body=prepared.text,
        template_name=prepared.template_name,
        encoding=prepared.shape.encoding,
        segments=prepared.shape.segments,
        cost=prepared.cost.amount,
        currency=prepared.cost.currency,
        requested_by=origin.user,
        token_id=origin.token_id,
        token_label=origin.token_label,
        client_label=origin.client_label,
        created_at=now,
        sent_at=now if state == State.SENT else None,
    )


def _is_within(cost: Money, most: Money) -> bool:
    return cost.currency == most.currency and cost.amount <= most.amount


def _prepared(batch: MessageBatch, now: datetime) -> Prepared:
    return prepare_again(
        batch.tenant,
        from_number=batch.from_number,
        to=batch.recipients,
        channel=Channel(batch.channel),
        text=batch.body,
        template_name=batch.template_name,
        now=now,
    )


def _queue(batch: MessageBatch, prepared: Prepared, now: datetime) -> None:
    """One row, one entry in the ledger for all, one request to the carrier for each."""
    require_balance(prepared.tenant, prepared.cost)
    messages = Message.objects.bulk_create(
        Message(
            tenant=prepared.tenant,
            batch=batch,
            direction=Message.Direction.OUTBOUND,
            channel=prepared.channel,
            from_number=prepared.from_number,
            to_number=number,
            body=prepared.text,
            status=Message.Status.QUEUED,
            encoding=prepared.shape.encoding,
            segments=prepared.shape.segments,
            cost=prepared.each.amount,
            currency=prepared.each.currency,
            created_at=now,
        )
        for number in prepared.recipients
    )
    if prepared.cost.amount:
        record_entry(
            prepared.tenant,
            kind=LedgerEntry.Kind.MESSAGES,
            reference=f"batch:{batch.pk}",
            money=Money(amount=-prepared.cost.amount, currency=prepared.cost.currency),
            description=f"{len(messages)} {prepared.channel.label}",
            occurred_at=now,
        )
    enqueue_all(
        prepared.tenant,
        kind=CarrierOperation.Kind.SEND_MESSAGE,
        payloads={f"message:{message.pk}": {"message_id": str(message.pk)} for message in messages},
    )
