"""What workers do with the outbox. Timetable: cliqtel_portal/celery.py."""

from __future__ import annotations

import logging
import uuid

from celery import shared_task

from cliqtel_portal.carriers import execution

logger = logging.getLogger(__name__)


@shared_task  # type: ignore[untyped-decorator]
def perform(operation_id: str) -> None:
    """One attempt. An unexpected error stays loud here, and the scan tries again."""
    execution.perform(uuid.UUID(operation_id), wait_seconds=0)


@shared_task  # type: ignore[untyped-decorator]
def recover_due() -> None:
    """Enqueue again what was never enqueued, or died, or is due for a retry."""
    due = execution.due_ids()
    for operation_id in due:
        perform.delay(str(operation_id))
    if due:
        logger.info("enqueued %d operations again", len(due))
