"""Monthly partitions of `mcp_tool_calls`, by range of the UUIDv7 ids."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from cliqtel_portal.ids import first_uuid7_at

MONTHS_AHEAD = 3


def month_after(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def partition_of(month: date) -> str:
    return f"mcp_tool_calls_{month:%Y_%m}"


def id_bounds(month: date) -> tuple[uuid.UUID, uuid.UUID]:
    """The first id of the month, and the first of the next."""
    following = month_after(month)
    return (
        first_uuid7_at(datetime(month.year, month.month, 1, tzinfo=UTC)),
        first_uuid7_at(datetime(following.year, following.month, 1, tzinfo=UTC)),
    )


def create_partition(cursor: Any, month: date) -> None:
    """Make the partition of the month that begins on that day. Idempotent.

    Fails, rightly and loudly, where rows of that month already lie in the DEFAULT partition.
    """
    name = partition_of(month)
    low, high = id_bounds(month)
    # Identifiers and bounds are ours, and DDL takes no parameters.
    cursor.execute(
        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF mcp_tool_calls "
        f"FOR VALUES FROM ('{low}') TO ('{high}')"
    )


def ensure_partitions(cursor: Any, today: date) -> None:
    """Make this month's partition and those of the next `MONTHS_AHEAD`. Idempotent."""
    month = today.replace(day=1)
    for _ in range(MONTHS_AHEAD + 1):
        create_partition(cursor, month)
        month = month_after(month)


def months_held(cursor: Any, today: date) -> list[date]:
    """The months up to the present one that have a partition, newest first."""
    cursor.execute(
        "SELECT right(inhrelid::regclass::text, 7) FROM pg_inherits"
        " WHERE inhparent = 'mcp_tool_calls'::regclass"
        " AND inhrelid::regclass::text ~ '_[0-9]{4}_[0-9]{2}$' ORDER BY 1 DESC"
    )
    months = [date(int(name[:4]), int(name[5:]), 1) for (name,) in cursor.fetchall()]
    return [month for month in months if month <= today]


def default_partition_is_used(cursor: Any) -> bool:
    """Whether a row fell outside every month: beat was down for months, or a clock lies."""
    cursor.execute("SELECT EXISTS (SELECT FROM mcp_tool_calls_default)")
    (used,) = cursor.fetchone()
    return bool(used)


def keep_partitions_ahead() -> None:
    """This month's partition and the next ones exist. Idempotent.

    Raises:
        OperationalError: something reads the log for longer than it may wait; try again later.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # A new partition locks the whole log for a moment. Waiting for that behind a long read
        # would hold up every call that comes after us.
        cursor.execute("SET LOCAL lock_timeout = '3s'")
        ensure_partitions(cursor, timezone.now().date())
