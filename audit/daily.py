"""The log added up by day, so that a page about a month never reads a month's calls."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils import timezone

from audit.models import DailyUsage, ToolCall
from cliqtel_portal.ids import first_uuid7_at, moment_of

# Rows are found by id, and an id is made some microseconds before or after the row's time.
_SLACK = timedelta(minutes=1)
# Exact whatever was there: what is gone from the log's groups goes, what is unchanged stays.
_ROLL_UP = """
WITH fresh AS MATERIALIZED (
    SELECT tenant_id,
           CASE WHEN tool = ANY(%(tools)s) THEN tool ELSE '' END AS tool,
           CASE WHEN client_id = '' THEN token_id ELSE user_id END AS source_id,
           client_id,
           count(*) FILTER (WHERE counted) AS calls,
           count(*) FILTER (WHERE counted AND status = 'error') AS errors,
           count(*) FILTER (WHERE NOT counted) AS refused
    FROM mcp_tool_calls
    WHERE id >= %(low)s AND id < %(high)s
      AND started_at >= %(start)s AND started_at < %(end)s
      AND (counted OR (status = 'error' AND parent_id IS NULL))
    GROUP BY 1, 2, 3, 4
), gone AS (
    DELETE FROM audit_dailyusage AS held
    WHERE day = %(day)s AND NOT EXISTS (
        SELECT FROM fresh
        WHERE (fresh.tenant_id, fresh.tool, fresh.source_id, fresh.client_id)
            = (held.tenant_id, held.tool, held.source_id, held.client_id)
    )
)
INSERT INTO audit_dailyusage AS held
    (id, tenant_id, day, tool, source_id, client_id, calls, errors, refused)
SELECT gen_random_uuid(), tenant_id, %(day)s, tool, source_id, client_id, calls, errors, refused
FROM fresh
ON CONFLICT (tenant_id, day, source_id, client_id, tool) DO UPDATE
    SET calls = excluded.calls, errors = excluded.errors, refused = excluded.refused
    WHERE (held.calls, held.errors, held.refused)
        IS DISTINCT FROM (excluded.calls, excluded.errors, excluded.refused)
"""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Who called: a static token, or (`client_id`) a person by way of an app."""

    id: uuid.UUID
    client_id: str = ""


@dataclass(frozen=True, kw_only=True)
class DayOfTool:
    day: date
    tool: str
    calls: int
    errors: int
    refused: int


def roll_up(*, tools: Collection[str], now: datetime | None = None) -> list[date]:
    """Yesterday and today are added up anew, and what was missed before; return those days.

    Idempotent; dies without harm between two days. Calls of names that are not in `tools` come
    together under "": a client can send as many names as it likes.
    """
    today = (now or timezone.now()).astimezone(UTC).date()
    newest = DailyUsage.objects.order_by("-day").values_list("day", flat=True).first()
    start = min(newest or date.min, today - timedelta(days=1))
    done = []
    while (found := _first_day_with_calls(start)) is not None and found <= today:
        _roll_up_day(found, tools)
        done.append(found)
        start = found + timedelta(days=1)
    return done


def month_of(tenant_id: uuid.UUID, month: date, source: Source | None = None) -> list[DayOfTool]:
    """Each day's calls by tool, of one source or of all, in order of the days."""
    found = DailyUsage.objects.filter(tenant_id=tenant_id, **_within(month))
    if source is not None:
        found = found.filter(source_id=source.id, client_id=source.client_id)
    rows = found.values("day", "tool").annotate(
        calls=Sum("calls"), errors=Sum("errors"), refused=Sum("refused")
    )
    return [DayOfTool(**row) for row in rows.order_by("day", "tool")]


def days_of_all(tenant_id: uuid.UUID, *, since: date) -> list[DayOfTool]:
    """Each day's calls by tool of everybody, in order of the days; days without one are absent."""
    rows = DailyUsage.objects.filter(tenant_id=tenant_id, day__gte=since).values("day", "tool")
    added = rows.annotate(calls=Sum("calls"), errors=Sum("errors"), refused=Sum("refused"))
    return [DayOfTool(**row) for row in added.order_by("day", "tool")]


def days_of(tenant_id: uuid.UUID, source: Source, *, since: date) -> list[DayOfTool]:
    """Each day's calls by tool of one source, in order of the days; days without one are absent."""
    rows = DailyUsage.objects.filter(
        tenant_id=tenant_id, day__gte=since, source_id=source.id, client_id=source.client_id
    ).values("day", "tool", "calls", "errors", "refused")
    return [DayOfTool(**row) for row in rows.order_by("day", "tool")]


def sources_of(tenant_id: uuid.UUID, month: date) -> dict[Source, int]:
    """Who called in the month, and how often; most calls first."""
    rows = (
        DailyUsage.objects.filter(tenant_id=tenant_id, **_within(month))
        .values("source_id", "client_id")
        .annotate(total=Sum("calls"))
        .order_by("-total", "source_id")
    )
    return {Source(id=row["source_id"], client_id=row["client_id"]): row["total"] for row in rows}


def calls_of_last_minute(tenant_id: uuid.UUID, *, now: datetime | None = None) -> dict[Source, int]:
    """How many calls each source made in the minute that ends now; idle ones are absent.

    Read from the log: at most a minute's burst. Of an app's tokens, the busiest.
    """
    since = (now or timezone.now()) - timedelta(minutes=1)
    rows = (
        ToolCall.objects.for_tenant(tenant_id)
        .since(since)
        .filter(counted=True)
        .values_list("token_id", "user_id", "client_id")
        .annotate(calls=Count("id"))
        .order_by()
    )
    found: dict[Source, int] = {}
    for token_id, user_id, client_id, calls in rows:
        source = Source(id=user_id if client_id else token_id, client_id=client_id)
        found[source] = max(calls, found.get(source, 0))
    return found


def _within(month: date) -> dict[str, date]:
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return {"day__gte": month, "day__lt": following}


def _first_day_with_calls(start: date) -> date | None:
    calls = ToolCall.objects.order_by("id")
    if start > date(1970, 1, 2):
        calls = calls.since(_midnight(start) - _SLACK)
    # Within the slack an id may be of the evening before: that day's turn is over.
    found = calls.values_list("pk", flat=True).first()
    return max(start, moment_of(found).date()) if found is not None else None


@transaction.atomic
def _roll_up_day(day: date, tools: Collection[str]) -> None:
    start, end = _midnight(day), _midnight(day + timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute(
            _ROLL_UP,
            {
                "tools": sorted(tools),
                "day": day,
                "start": start,
                "end": end,
                "low": first_uuid7_at(start - _SLACK),
                "high": first_uuid7_at(end + _SLACK),
            },
        )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
