"""The clock decides what nobody decided. Readers see it at once: `Approval.status_at`."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from approvals import events
from approvals.executors import executor_of, is_registered
from approvals.models import Approval
from approvals.querysets import ApprovalQuerySet
from approvals.states import Status

logger = logging.getLogger(__name__)


def expire_due(*, now: datetime | None = None, limit: int = 500) -> int:
    """Those whose time is over are expired; return how many.

    A transaction for each: a click that holds one keeps it, and nothing else waits.
    """
    now = now or timezone.now()
    ids = list(Approval.objects.overdue(now).values_list("pk", flat=True)[:limit])
    overdue = Approval.objects.overdue(now)
    return sum(_expire(overdue, approval_id, now) for approval_id in ids)


def expire_before_their_time(ids: Iterable[uuid.UUID]) -> list[Approval]:
    """Of these, the pending ones that nobody is deciding on are expired; return those.

    For staff, who decide nothing: what is held is given back, and the AI host hears of it.
    """
    now = timezone.now()
    pending = Approval.objects.filter(status=Status.PENDING)
    expired = [approval_id for approval_id in ids if _expire(pending, approval_id, now)]
    return list(Approval.objects.filter(pk__in=expired))


@transaction.atomic
def _expire(candidates: ApprovalQuerySet, approval_id: uuid.UUID, now: datetime) -> bool:
    row = candidates.filter(pk=approval_id)
    approval = (
        row.select_for_update(of=("self",), skip_locked=True).select_related("tenant").first()
    )
    if approval is None:
        return False
    if not is_registered(approval.action):
        # Readers see it expired all the same; what it holds, the version that knows it gives back.
        logger.error("approval %s: nothing withdraws %s", approval.pk, approval.action)
        return False
    row.transition(Status.EXPIRED, decided_at=now)
    approval.refresh_from_db()
    executor_of(approval.action).withdraw(approval)
    events.tell(approval, events.DECIDED)
    return True
