"""The task that posts. Apart from tasks.py, which imports those who ask for it."""

from __future__ import annotations

import uuid

from celery import shared_task

from audit import slack_outbox


@shared_task  # type: ignore[untyped-decorator]
def deliver(message_id: str) -> None:
    """One attempt; the scan makes the next ones."""
    slack_outbox.deliver(uuid.UUID(message_id))
