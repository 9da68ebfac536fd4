"""What workers do with approvals. Timetable: cliqtel_portal/celery.py."""

from __future__ import annotations

import logging
import uuid

import structlog
from celery import shared_task

from approvals import execution, expiry

logger = logging.getLogger(__name__)


@shared_task  # type: ignore[untyped-decorator]
def execute(approval_id: str) -> None:
    """Do the deed. An unexpected error stays loud here, and the scan tries again."""
    structlog.contextvars.bind_contextvars(approval=approval_id)
    execution.execute_approval(uuid.UUID(approval_id))


@shared_task  # type: ignore[untyped-decorator]
def recover_lost() -> None:
    """Enqueue again what was approved and never enqueued, or died, or is due for a retry."""
    lost = execution.lost_ids()
    for approval_id in lost:
        execute.delay(str(approval_id))
    if lost:
        logger.info("enqueued %d approvals again", len(lost))


@shared_task  # type: ignore[untyped-decorator]
def expire_due() -> None:
    """Close those that nobody decided in time."""
    expired = expiry.expire_due()
    if expired:
        logger.info("%d approvals expired", expired)
