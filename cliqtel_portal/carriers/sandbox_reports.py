"""The sandbox's side of webhooks: what it did is reported a moment later, through the same door as
any carrier's report, until it was heard.
"""

from __future__ import annotations

import json
import logging
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from django.db.models import F
from django.utils import timezone

from cliqtel_portal.carriers.registry import webhook_of
from cliqtel_portal.carriers.sandbox_models import SandboxRequest
from cliqtel_portal.carriers.webhooks.base import UnknownReference
from cliqtel_portal.carriers.webhooks.receiving import receive

if TYPE_CHECKING:
    from cliqtel_portal.carriers.webhooks.sandbox import SandboxWebhook

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 10
RETRY_SECONDS = 2  # doubled each time: longer in all than we take to find a receipt that was lost


def due_ids(*, now: datetime | None = None, limit: int = 500) -> list[uuid.UUID]:
    """Requests whose report is to be sent (again)."""
    due = SandboxRequest.objects.filter(report_due_at__lte=now or timezone.now())
    return list(due.order_by("report_due_at").values_list("pk", flat=True)[:limit])


def send_report(request_id: uuid.UUID, *, now: datetime | None = None) -> None:
    """The report was heard; or it is due again later; or it is not due.

    Not inside a transaction. Safe to call at any time: the same report is heard once.
    """
    moment = now or timezone.now()
    row = SandboxRequest.objects.filter(pk=request_id, report_due_at__lte=moment).first()
    if row is None:
        return
    _postpone(row, moment)
    if row.report_event == "operation.completed":
        SandboxRequest.objects.filter(pk=row.pk).update(state=SandboxRequest.State.DONE)
    body = json.dumps(
        {
            "id": f"{row.reference}:{row.report_event}",
            "type": row.report_event,
            "data": {
                "reference": row.reference,
                "error": "unreachable" if row.report_event == "message.undelivered" else "",
            },
        }
    ).encode()
    try:
        headers = cast("SandboxWebhook", webhook_of(row.carrier)).sign(body, now=moment)
        receive(row.carrier, headers=headers, body=body, now=moment)
    except UnknownReference:
        logger.info("the report on %s came before its receipt", row.reference)
    else:
        SandboxRequest.objects.filter(pk=row.pk).update(report_due_at=None)


def _postpone(row: SandboxRequest, now: datetime) -> None:
    """Before it is sent: whoever dies in between has it sent again."""
    attempt = row.report_attempts + 1
    due_at = now + timedelta(seconds=RETRY_SECONDS * 2**attempt) if attempt < MAX_ATTEMPTS else None
    SandboxRequest.objects.filter(pk=row.pk).update(
        report_attempts=F("report_attempts") + 1, report_due_at=due_at
    )
