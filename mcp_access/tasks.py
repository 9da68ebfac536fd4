"""What happens to tokens while nobody looks. Timetable: cliqtel_portal/celery.py."""

from __future__ import annotations

import logging

from celery import shared_task

from audit import daily
from cliqtel_portal.locks import advisory_lock
from mcp_access import ending, expiry, idempotency, months
from mcp_access.oauth import doctor_cleanup, retention
from mcp_access.tools import registry

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


@shared_task  # type: ignore[untyped-decorator]
def collect_unused_clients() -> None:
    """Delete clients that registered themselves and were never allowed by anybody."""
    with advisory_lock("mcp_access.collect_unused_clients") as acquired:
        if not acquired:
            return
        collected = retention.collect_unused_clients()
    logger.info("collected %d unused clients", collected)


@shared_task  # type: ignore[untyped-decorator]
def delete_old_attempts() -> None:
    """Delete what the connection doctor no longer looks back on."""
    with advisory_lock("mcp_access.delete_old_attempts") as acquired:
        if not acquired:
            return
        deleted = retention.delete_old_attempts()
    logger.info("deleted %d old attempts", deleted)


@shared_task  # type: ignore[untyped-decorator]
def delete_spent_codes() -> None:
    """Delete authorization codes that ran out, and the memory of used ones."""
    with advisory_lock("mcp_access.delete_spent_codes") as acquired:
        if not acquired:
            return
        deleted = retention.delete_spent_codes()
    logger.info("deleted %d codes", deleted)


@shared_task  # type: ignore[untyped-decorator]
def remove_self_test_leftovers() -> None:
    """Take back what a self-test holds that died half-way: it may be the last connection."""
    with advisory_lock("mcp_access.remove_self_test_leftovers") as acquired:
        if not acquired:
            return
        removed = doctor_cleanup.remove_leftovers()
    logger.info("removed %d clients of broken self-tests", removed)


@shared_task  # type: ignore[untyped-decorator]
def forget_old_keys() -> None:
    """Delete idempotency keys whose day is over."""
    with advisory_lock("mcp_access.forget_old_keys") as acquired:
        if not acquired:
            return
        forgotten = idempotency.forget_old_keys()
    logger.info("forgot %d idempotency keys", forgotten)


@shared_task  # type: ignore[untyped-decorator]
def close_months() -> None:
    """Bill what was called beyond the months that are over."""
    with advisory_lock("mcp_access.close_months") as acquired:
        closed = months.close_months() if acquired else 0
    if closed:
        logger.info("closed %d usage statements", closed)


@shared_task  # type: ignore[untyped-decorator]
def warn_of_months() -> None:
    """Tell tenants whose month of calls is nearly used up, or is."""
    with advisory_lock("mcp_access.warn_of_months") as acquired:
        if acquired:
            months.warn_of_months()


@shared_task  # type: ignore[untyped-decorator]
def roll_up_usage() -> None:
    """Keep the days of the Usage page up to date."""
    with advisory_lock("mcp_access.roll_up_usage") as acquired:
        if acquired:
            daily.roll_up(tools=registry.all_tools())


@shared_task  # type: ignore[untyped-decorator]
def warn_of_expiries() -> None:
    """Tell people whose tokens come to their end, in the portal and by mail."""
    with advisory_lock("mcp_access.warn_of_expiries") as acquired:
        if not acquired:
            return
        warned = expiry.warn_of_expiries()
        mailed = expiry.send_mails()
    if warned or mailed:
        logger.info("warned of %d expiring tokens, sent %d mails", warned, mailed)
