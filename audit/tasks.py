"""What keeps the log whole while nobody looks. Timetable: cliqtel_portal/celery.py."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import connection

from audit import partitions, services
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
