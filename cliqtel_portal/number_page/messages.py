"""Messages to and from one number: how many of late, and the newest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from cliqtel_portal.messaging.models import Message, OptOut
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.phone import display, mask_e164

DAYS = 30
_SHOWN = 10
_OPT_OUTS_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Of the last `DAYS` days."""

    sent: int
    delivered: int
    failed: int
    received: int


@dataclass(frozen=True, kw_only=True)
class MessageRow:
    message: Message
    peer: str
    is_received: bool


@dataclass(frozen=True, kw_only=True)
class OptOutRow:
    opt_out: OptOut
    peer: str


def counts_of(number: PhoneNumber, now: datetime) -> Counts:
    since = now - timedelta(days=DAYS)
    messages = Message.objects.for_tenant(number.tenant).filter(created_at__gte=since)
    sent = dict(
        messages.filter(direction="outbound", from_number=number.e164)
        .order_by()
        .values_list("status")
        .annotate(Count("pk"))
    )
    return Counts(
        sent=sum(sent.values()),
        delivered=sent.get("delivered", 0),
        failed=sent.get("undelivered", 0) + sent.get("rejected", 0),
        received=messages.filter(direction="inbound", to_number=number.e164).count(),
    )


def newest_messages(number: PhoneNumber, *, is_masked: bool) -> list[MessageRow]:
    """Without their texts, which this page doesn't show. `is_masked`: peers are not for all."""
    messages = Message.objects.for_tenant(number.tenant).defer("body").order_by("-created_at")
    # Each way by its own index.
    either = [
        *messages.filter(direction="outbound", from_number=number.e164)[:_SHOWN],
        *messages.filter(direction="inbound", to_number=number.e164)[:_SHOWN],
    ]
    either.sort(key=lambda message: message.created_at, reverse=True)
    return [_row(message, is_masked=is_masked) for message in either[:_SHOWN]]


def opt_outs_of(number: PhoneNumber, *, is_masked: bool) -> tuple[list[OptOutRow], int]:
    """The newest, and how many there are."""
    live = OptOut.objects.for_tenant(number.tenant).live().filter(our_number=number.e164)
    rows = [
        OptOutRow(opt_out=opt_out, peer=_peer(opt_out.peer_number, is_masked=is_masked))
        for opt_out in live.order_by("-since", "-id")[:_OPT_OUTS_SHOWN]
    ]
    return rows, len(rows) if len(rows) < _OPT_OUTS_SHOWN else live.count()


def _row(message: Message, *, is_masked: bool) -> MessageRow:
    is_received = message.direction == Message.Direction.INBOUND
    peer = message.from_number if is_received else message.to_number
    return MessageRow(
        message=message, peer=_peer(peer, is_masked=is_masked), is_received=is_received
    )


def _peer(e164: str, *, is_masked: bool) -> str:
    return mask_e164(e164) if is_masked else display(e164)
