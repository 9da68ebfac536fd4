"""What workers do with the outbox. Timetable: cliqtel_portal/celery.py."""

from __future__ import annotations

import logging
import uuid

import structlog
from celery import shared_task

from cliqtel_portal.carriers import execution, sandbox_reports
from cliqtel_portal.carriers.webhooks import receiving

logger = logging.getLogger(__name__)

_SCAN_SECONDS = 15


@shared_task  # type: ignore[untyped-decorator]
def perform(operation_id: str) -> None:
    """One attempt. An unexpected error stays loud here, and the scan tries again."""
    structlog.contextvars.bind_contextvars(operation=operation_id)
    execution.perform(uuid.UUID(operation_id), wait_seconds=0)


@shared_task  # type: ignore[untyped-decorator]
def recover_due() -> None:
    """Enqueue again what was never enqueued, or died, or is due for a retry."""
    due = execution.due_ids()
    for operation_id in due:
        # The next scan asks again: behind busy workers nothing piles up.
        perform.apply_async([str(operation_id)], expires=_SCAN_SECONDS)
    if due:
        logger.info("enqueued %d operations again", len(due))


@shared_task  # type: ignore[untyped-decorator]
def send_sandbox_report(request_id: str) -> None:
    """The sandbox tells what it did. If nobody could hear it yet, the scan sends it again."""
    sandbox_reports.send_report(uuid.UUID(request_id))


@shared_task  # type: ignore[untyped-decorator]
def send_due_sandbox_reports() -> None:
    """What the sandbox should have told by now."""
    for request_id in sandbox_reports.due_ids():
        send_sandbox_report.apply_async([str(request_id)], expires=_SCAN_SECONDS)


@shared_task  # type: ignore[untyped-decorator]
def forget_old_webhooks() -> None:
    """Delete receipts of events that no carrier sends again."""
    forgotten = receiving.forget_old()
    if forgotten:
        logger.info("forgot %d webhook events", forgotten)
