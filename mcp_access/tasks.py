"""What happens to tokens while nobody looks. Timetable: cliqtel_portal/celery.py."""

from __future__ import annotations

import logging

from celery import shared_task

from cliqtel_portal.locks import advisory_lock
from mcp_access import ending

logger = logging.getLogger(__name__)


@shared_task  # type: ignore[untyped-decorator]
def purge_dead_tokens() -> None:
    """Delete tokens that are dead for longer than the audit log speaks of them."""
    with advisory_lock("mcp_access.purge_dead_tokens") as acquired:
        if not acquired:
            return
        purged = ending.purge_dead_tokens()
    logger.info(
        "purged %d access tokens and %d refresh tokens",
        purged.access_tokens,
        purged.refresh_tokens,
    )
