"""What a carrier reports is heard once, however often it is sent."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cliqtel_portal.carriers import reports
from cliqtel_portal.carriers.models import CarrierOperation, WebhookReceipt
from cliqtel_portal.carriers.registry import webhook_of
from cliqtel_portal.carriers.webhooks.base import Event, UnknownReference

logger = logging.getLogger(__name__)


def receive(
    carrier: str, *, headers: Mapping[str, str], body: bytes, now: datetime | None = None
) -> None:
    """Each event of the body was heard, now or before; each in a transaction of its own.

    Raises:
        LookupError: no such carrier, or it has no webhook.
        BadSignature: the carrier did not send it.
        MalformedWebhook: it can't be read.
        UnknownReference: some were about nothing that we know yet; the others were heard.
    """
    webhook = webhook_of(carrier)
    webhook.verify(headers, body, now=now or timezone.now())
    unknown = [event for event in webhook.events(body) if not _hear(carrier, event)]
    if unknown:
        raise UnknownReference("We don't know that reference (yet). Send it again later.")


@transaction.atomic
def _hear(carrier: str, event: Event) -> bool:
    """False: it is about nothing that we know. Its listener runs in this transaction."""
    if event.report is None:
        logger.info("%s sent an event of a kind that nobody here uses", carrier)
        return True
    report = replace(event.report, carrier=carrier)
    # A report can overtake the receipt: then the carrier has to repeat it, so it is not recorded.
    if not isinstance(report, reports.InboundMessage) and not _is_ours(carrier, report.reference):
        logger.info("%s reports on a reference that we don't know", carrier)
        return False
    receipt = WebhookReceipt(carrier=carrier, event_id=event.id)
    # The same event on another connection is waited for.
    WebhookReceipt.objects.bulk_create([receipt], ignore_conflicts=True)
    if WebhookReceipt.objects.filter(pk=receipt.pk).exists():
        reports.dispatch(report)
    return True


def _is_ours(carrier: str, reference: str) -> bool:
    return CarrierOperation.objects.filter(carrier=carrier, carrier_reference=reference).exists()


def forget_old(*, now: datetime | None = None) -> int:
    """Receipts that no longer keep anything out are gone; return how many."""
    before = (now or timezone.now()) - timedelta(days=settings.CARRIER_WEBHOOK_RECEIPT_DAYS)
    deleted, _ = WebhookReceipt.objects.filter(received_at__lt=before).delete()
    return deleted
