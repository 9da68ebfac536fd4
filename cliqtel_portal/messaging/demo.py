"""acme may send a few messages a day by itself; the others must ask (contract.md, Demo data).

acme also has templates, a week of messages, and somebody who said STOP.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.messaging import texts
from cliqtel_portal.messaging.models import (
    Message,
    MessageBatch,
    MessageTemplate,
    MessagingLimit,
    OptOut,
)

_SENDER, _SUPPORT = "+447700900900", "+31612340900"
_NAMESPACE = uuid.UUID("7d1c2f7e-0d4b-4b0a-8f0e-55a2b6c1d0aa")

_TEMPLATES = [
    (
        "order-shipped",
        "whatsapp",
        "Hi {{name}}, your order {{order}} has left our warehouse.",
        True,
    ),
    ("opening-hours", "whatsapp", "We are open from {{from}} to {{to}} on {{day}}.", False),
    (
        "appointment",
        "sms",
        "Your appointment is on {{day}} at {{time}}. Reply STOP to opt out.",
        True,
    ),
]
# Days ago, received or not, channel, ours, theirs, status, cost, text.
_MESSAGES = [
    (1, False, "sms", _SENDER, "+447700900141", "delivered", "0.037", "Your parcel arrives today."),
    (1, True, "sms", _SENDER, "+447700900141", "received", "0", "Thanks!"),
    (
        2,
        False,
        "sms",
        _SENDER,
        "+447700900142",
        "undelivered",
        "0.037",
        "Your parcel arrives today.",
    ),
    (2, True, "sms", _SENDER, "+447700900143", "received", "0", "STOP"),
    (3, False, "whatsapp", _SUPPORT, "+447700900144", "delivered", "0.06", "Did that help? 😀"),
    (3, False, "sms", _SUPPORT, "+447700900145", "rejected", "0.081", "We tried to call you."),
]


def seed(tenants: Mapping[str, Tenant]) -> None:
    """acme's limit is 5 messages and €5.00 a day. Idempotent."""
    acme = tenants["acme"]
    MessagingLimit.objects.update_or_create(
        tenant=acme,
        defaults={
            "messages_per_day": 5,
            "amount_per_day": Decimal("5.00"),
            "currency": acme.currency,
            "updated_at": timezone.now(),
        },
    )
    for name, channel, body, is_approved in _TEMPLATES:
        status = MessageTemplate.Status.APPROVED if is_approved else MessageTemplate.Status.PENDING
        MessageTemplate.objects.get_or_create(
            tenant=acme, name=name, channel=channel, defaults={"body": body, "status": status}
        )
    _seed_messages(acme)


def _seed_messages(tenant: Tenant) -> None:
    now = timezone.now()
    owner = tenant.memberships.live().filter(role=Membership.Role.OWNER).first()
    rows = []
    for place, (days, received, channel, ours, theirs, status, cost, body) in enumerate(_MESSAGES):
        shape = texts.shape_of(body, channel)
        rows.append(
            Message(
                # Of the tenant: a demo tenant made anew gets messages of its own.
                id=uuid.uuid5(_NAMESPACE, f"{tenant.id} {place}"),
                tenant=tenant,
                direction=Message.Direction.INBOUND if received else Message.Direction.OUTBOUND,
                channel=channel,
                from_number=theirs if received else ours,
                to_number=ours if received else theirs,
                body=body,
                status=status,
                error_code={"undelivered": "absent_subscriber", "rejected": "carrier_rejected"}.get(
                    status, ""
                ),
                encoding=shape.encoding,
                segments=shape.segments,
                cost=Decimal(cost),
                currency=tenant.currency,
                created_at=now - timedelta(days=days, minutes=7 * place),
            )
        )
        if owner is not None and not received:
            rows[-1].batch = _batch_of(rows[-1], owner)
    Message.objects.bulk_create(rows, ignore_conflicts=True)
    OptOut.objects.get_or_create(
        tenant=tenant,
        our_number=_SENDER,
        peer_number="+447700900143",
        channel="sms",
        source=OptOut.Source.INBOUND,
        defaults={"since": now - timedelta(days=2)},
    )


def _batch_of(message: Message, owner: Membership) -> MessageBatch:
    batch, _ = MessageBatch.objects.get_or_create(
        tenant=message.tenant,
        key=f"demo:{message.pk}",
        defaults={
            "state": MessageBatch.State.SENT,
            "channel": message.channel,
            "from_number": message.from_number,
            "recipients": [message.to_number],
            "body": message.body,
            "encoding": message.encoding,
            "segments": message.segments,
            "cost": message.cost,
            "currency": message.currency,
            "requested_by_id": owner.user_id,
            "token_id": uuid.uuid5(_NAMESPACE, "token"),
            "token_label": "Demo token",
            "client_label": "Claude Desktop",
            "created_at": message.created_at,
            "sent_at": message.created_at,
        },
    )
    return batch
