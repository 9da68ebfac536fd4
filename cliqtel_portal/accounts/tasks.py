"""Cleaning up after people's sessions, and news to people. Timetable: cliqtel_portal/celery.py."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task

from cliqtel_portal.accounts.change_models import MembershipChange
from cliqtel_portal.accounts.mails import send_membership_change
from cliqtel_portal.accounts.services.sessions import forget_dead_sessions
from cliqtel_portal.locks import advisory_lock

logger = logging.getLogger(__name__)

_MAIL_AGAIN_SECONDS = 300


@shared_task  # type: ignore[untyped-decorator]
def forget_sessions() -> None:
    """Delete sessions that ran out, and the addresses that they were used from."""
    with advisory_lock("accounts.forget_sessions") as acquired:
        if not acquired:
            return
        deleted = forget_dead_sessions()
    logger.info("forgot %d sessions", deleted)


@shared_task(bind=True, max_retries=12)  # type: ignore[untyped-decorator]
def mail_change(self: Any, change_id: str) -> None:
    """Whom it happened to has a mail; where no mail server takes it, tried again for an hour."""
    change = MembershipChange.objects.select_related("tenant").get(pk=change_id)
    if not send_membership_change(change):
        raise self.retry(countdown=_MAIL_AGAIN_SECONDS)
