"""What carriers report by themselves: that a message arrived, or that somebody wrote to us.

Called in the transaction that records the report. Nothing here depends on the order, or on each
report coming once.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from cliqtel_portal.carriers.reports import DeliveryReport, InboundMessage
from cliqtel_portal.messaging import texts
from cliqtel_portal.messaging.models import Message, OptOut
from cliqtel_portal.messaging.outcomes import reference_of
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.phone import E164

logger = logging.getLogger(__name__)

Status = Message.Status
# Those of the CTIA and the FCC (47 CFR 64.1200(a)(10)), and the same in French and Swedish.
_STOP_WORDS = frozenset(
    {
        "STOP",
        "STOPALL",
        "UNSUBSCRIBE",
        "CANCEL",
        "END",
        "QUIT",
        "REVOKE",
        "OPTOUT",
        "ARRET",
        "STOPP",
    }
)
_START_WORDS = frozenset({"START", "UNSTOP"})
_GIVEN_UP = [PhoneNumber.Status.RELEASED, PhoneNumber.Status.QUARANTINE]


@transaction.atomic
def take_delivery_report(report: DeliveryReport, *, now: datetime | None = None) -> None:
    """The message is delivered or not; the first report of it counts."""
    delivered = report.status == "delivered"
    changed = Message.objects.filter(
        direction=Message.Direction.OUTBOUND,
        carrier_reference=reference_of(report.carrier, report.reference),
        status=Status.SENT,
    ).update(
        status=Status.DELIVERED if delivered else Status.UNDELIVERED,
        error_code="" if delivered else (report.error_code or "undelivered")[:40],
        delivered_at=now or timezone.now(),
    )
    if not changed:
        logger.info("a delivery report of %s changed nothing: unknown or late", report.carrier)


@transaction.atomic
def take_inbound_message(report: InboundMessage, *, now: datetime | None = None) -> None:
    """What somebody wrote is stored once, and STOP and START are obeyed."""
    now = now or timezone.now()
    owner = (
        PhoneNumber.objects.filter(e164=report.to_number)
        .exclude(status__in=_GIVEN_UP)
        .select_related("tenant")
        .first()
    )
    # A word or a short code as the sender can't be answered, so it can't say STOP.
    if owner is None or not E164.fullmatch(report.from_number):
        logger.info("a message by %s is for no number, or from none", report.carrier)
        return
    text = report.text.replace("\x00", "")
    message, is_new = Message.objects.get_or_create(
        direction=Message.Direction.INBOUND,
        carrier_reference=reference_of(report.carrier, report.carrier_message_id),
        defaults={
            "tenant": owner.tenant,
            "channel": report.channel,
            "from_number": report.from_number,
            "to_number": owner.e164,
            "body": text,
            "status": Status.RECEIVED,
            "encoding": texts.shape_of(text, report.channel).encoding,
            "segments": texts.shape_of(text, report.channel).segments,
            "currency": owner.tenant.currency,
            "created_at": now,
        },
    )
    # An old STOP that comes again must not undo a later START.
    if is_new:
        _obey(message, now)


def _obey(message: Message, now: datetime) -> None:
    word = _word_of(message.body)
    between = {
        "tenant_id": message.tenant_id,
        "our_number": message.to_number,
        "peer_number": message.from_number,
        "channel": message.channel,
    }
    if word in _STOP_WORDS:
        OptOut.objects.get_or_create(
            **between, ended_at=None, defaults={"source": OptOut.Source.INBOUND, "since": now}
        )
    elif word in _START_WORDS:
        OptOut.objects.live().filter(**between).update(ended_at=now)


def _word_of(text: str) -> str:
    """The message as one word in capitals, "opt-out" and "stop all" too; "" where it is more than
    that: "I can't stop" is no STOP.
    """
    plain = "".join(
        one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one)
    )
    words = re.findall(r"\w+", plain.upper())
    return "".join(words) if len(words) <= 2 else ""
