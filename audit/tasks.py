"""What keeps the log whole while nobody looks. Timetable: cliqtel_portal/celery.py."""

from __future__ import annotations

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db import connection
from django.utils import timezone

from audit import (
    alerts,
    anchors,
    anomalies,
    chain_checks,
    export_jobs,
    partitions,
    retention,
    seals,
    services,
    slack,
    slack_outbox,
    slack_tasks,
)
from audit.models import Export
from cliqtel_portal.locks import advisory_lock

logger = logging.getLogger(__name__)


@shared_task  # type: ignore[untyped-decorator]
def close_interrupted_calls() -> None:
    """Close what dead processes left `running`."""
    with advisory_lock("audit.close_interrupted_calls") as acquired:
        closed = services.close_interrupted_calls() if acquired else 0
    if closed:
        logger.warning("closed %d interrupted tool calls", closed)


@shared_task  # type: ignore[untyped-decorator]
def keep_partitions_ahead() -> None:
    """Make the partitions of the coming months; tell when rows fell outside of all."""
    with advisory_lock("audit.keep_partitions_ahead") as acquired:
        if not acquired:
            return
        with connection.cursor() as cursor:
            if partitions.default_partition_is_used(cursor):
                logger.error("mcp_tool_calls_default holds rows: a month or a clock was wrong")
        partitions.keep_partitions_ahead()


@shared_task  # type: ignore[untyped-decorator]
def look_for_anomalies() -> None:
    """Raise alerts for what the newest minutes of the log hold."""
    with advisory_lock("audit.look_for_anomalies") as acquired:
        raised = alerts.look() if acquired else []
    for alert in raised:
        logger.warning("alert %s: %s in tenant %s", alert.pk, alert.rule, alert.tenant_id)


@shared_task  # type: ignore[untyped-decorator]
def send_due_slack_messages() -> None:
    """Send what was never sent, or died, or is due for a retry."""
    for message_id in slack_outbox.due_ids():
        # The next scan asks again: behind busy workers nothing piles up.
        slack_tasks.deliver.apply_async([str(message_id)], expires=25)


@shared_task  # type: ignore[untyped-decorator]
def forget_alert_leftovers() -> None:
    """Delete networks that are new again, and messages that are long sent."""
    with advisory_lock("audit.forget_alert_leftovers") as acquired:
        if not acquired:
            return
        now = timezone.now()
        networks, messages = anomalies.forget_networks(now), slack_outbox.forget_old(now)
    logger.info("forgot %d networks and %d Slack messages", networks, messages)


@shared_task  # type: ignore[untyped-decorator]
def seal_calls() -> None:
    """Seal what closed, and what came late; then write the head down."""
    seals.seal_closed_calls()
    window = timedelta(seconds=settings.AUDIT_SEAL_LATE_WINDOW)
    seals.seal_late_calls(since=timezone.now() - window)
    anchors.keep_head()


@shared_task  # type: ignore[untyped-decorator]
def anchor_chain() -> None:
    """Seal what came late in all that is retained, and anchor the day's head."""
    seals.seal_late_calls()
    anchors.keep_head()
    anchors.anchor_chain()


@shared_task  # type: ignore[untyped-decorator]
def retire_old_months() -> None:
    """Archive and drop the months beyond AUDIT_RETENTION_DAYS, the oldest first."""
    with advisory_lock("audit.retire_old_months") as acquired:
        if not acquired:
            return
        for month in retention.months_beyond(timezone.now().date()):
            try:
                archive = retention.retire_month(month)
            except (retention.NotDroppable, OSError) as error:
                # A later month must not go before it: what is left of the log has no gaps.
                logger.error("the log of %s is kept: %s", f"{month:%Y-%m}", error)
                return
            kept = f"archived in {archive.path.name}" if archive else "not archived"
            logger.warning("dropped the log of %s, %s", f"{month:%Y-%m}", kept)


@shared_task  # type: ignore[untyped-decorator]
def run_exports() -> None:
    """Write the export that waits longest, then leave the next to a task of its own."""
    with advisory_lock("audit.exports") as acquired:
        wrote = acquired and export_jobs.run_next()
    if wrote:
        start_exports()


@shared_task  # type: ignore[untyped-decorator]
def start_exports() -> None:
    """Have a worker write what waits, also what nobody was told of or whose worker died."""
    if Export.objects.unfinished().exists():
        # It may take longer than other tasks.
        run_exports.apply_async(time_limit=settings.EXPORT_TIME_LIMIT)


@shared_task  # type: ignore[untyped-decorator]
def delete_expired_exports() -> None:
    """Delete the files whose time is over."""
    deleted = export_jobs.delete_expired()
    if deleted:
        logger.info("deleted the files of %d exports", deleted)


@shared_task  # type: ignore[untyped-decorator]
def verify_newest_calls() -> None:
    """Prove the last days of the log. All of it takes longer than a task may: `verify_audit`."""
    with advisory_lock("audit.verify_newest_calls") as acquired:
        if not acquired:
            return
        since = timezone.now() - timedelta(days=settings.AUDIT_VERIFY_DAYS)
        check, _ = chain_checks.check_chain(since=since)
    if check.problem:
        slack.send_text(f"The audit log is not in order: {check.problem}", key=f"check:{check.pk}")
