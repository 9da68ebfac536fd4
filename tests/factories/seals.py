"""Seals over rows of the log, and what somebody with the database, but not the key, can do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from audit import seals
from audit.models import ToolCall
from tests.factories.audit import failed, make_call, ok


def middle() -> datetime:
    """The tests' present: far from the ends of this month, whose partition there is."""
    return timezone.now().replace(day=15, hour=12, minute=0, second=0, microsecond=0)


def ago(**time: float) -> datetime:
    return middle() - timedelta(**time)


def mixed_traffic(*, minutes_ago: float = 30) -> list[ToolCall]:
    """Rows of every kind, a second apart, in the order of their ids; none is running."""
    start = ago(minutes=minutes_ago)
    drafted = make_call(at=start, outcome=ok(result={"numbers": 3}))
    kinds: list[dict[str, Any]] = [
        {"outcome": failed("not_found")},
        {"outcome": failed("insufficient_scope"), "counted": False},
        {"outcome": failed("interrupted")},
        {"outcome": ok(), "counted": False, "parent_id": drafted.pk, "actor_label": "carol"},
        {"outcome": ok(cost_amount=Decimal("0.5"), cost_currency="EUR")},
    ]
    rows = [make_call(at=start + timedelta(seconds=n + 1), **kind) for n, kind in enumerate(kinds)]
    return [drafted, *rows]


def seal_in(seconds: float = 0) -> int:
    """Seal as the task would so much later; return how many rows."""
    return seals.seal_closed_calls(now=middle() + timedelta(seconds=seconds))


@contextmanager
def without_triggers() -> Iterator[Any]:
    """A cursor for which nothing is append-only."""
    tables = ("mcp_tool_calls", "audit_seal")
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
