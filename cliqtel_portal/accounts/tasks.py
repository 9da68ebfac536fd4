"""Cleaning up after people's sessions. Timetable: cliqtel_portal/celery.py."""

from __future__ import annotations

import logging

from celery import shared_task

from cliqtel_portal.accounts.services.sessions import forget_dead_sessions
from cliqtel_portal.locks import advisory_lock

logger = logging.getLogger(__name__)


@shared_task  # type: ignore[untyped-decorator]
def forget_sessions() -> None:
    """Delete sessions that ran out, and the addresses that they were used from."""
    with advisory_lock("accounts.forget_sessions") as acquired:
        if not acquired:
            return
        deleted = forget_dead_sessions()
    logger.info("forgot %d sessions", deleted)
