"""The months of the log."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.models import ToolCall
from audit.partitions import (
    MONTHS_AHEAD,
    create_partition,
    default_partition_is_used,
    ensure_partitions,
    month_after,
)
from audit.services import is_authentic
from tests.factories.audit import make_call, ok

pytestmark = pytest.mark.django_db


def _partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'mcp_tool_calls'::regclass"
        )
        return {name for (name,) in cursor.fetchall()}


def _partition_of(row: ToolCall) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM mcp_tool_calls WHERE id = %s", [row.pk]
        )
        return str(cursor.fetchone()[0])


def _default_is_used() -> bool:
    with connection.cursor() as cursor:
        return default_partition_is_used(cursor)


def _months_from(month: date) -> list[date]:
    months = [month]
    for _ in range(MONTHS_AHEAD):
        months.append(month_after(months[-1]))
    return months


def test_after_migrating_there_are_this_month_three_more_and_a_default():
    months = _months_from(timezone.now().date().replace(day=1))
    assert len(months) == 4
    assert _partitions() >= {
        "mcp_tool_calls_default",
        *(f"mcp_tool_calls_{month:%Y_%m}" for month in months),
    }


def test_making_partitions_is_idempotent_and_crosses_the_year():
    before = _partitions()
    with connection.cursor() as cursor:
        for _ in range(2):
            ensure_partitions(cursor, date(2031, 11, 30))
    assert _partitions() - before == {
        "mcp_tool_calls_2031_11",
        "mcp_tool_calls_2031_12",
        "mcp_tool_calls_2032_01",
        "mcp_tool_calls_2032_02",
    }


def test_rows_lie_in_the_partition_of_their_month_to_the_millisecond():
    month, *_, last = _months_from(timezone.now().date().replace(day=1))
    start = datetime(last.year, last.month, 1, tzinfo=UTC)
    first_in = make_call(at=start)
    last_before = make_call(at=start - timedelta(milliseconds=1))
    now = make_call()
    assert _partition_of(first_in) == f"mcp_tool_calls_{last:%Y_%m}"
    assert _partition_of(last_before) == f"mcp_tool_calls_{start - timedelta(days=1):%Y_%m}"
    assert _partition_of(now) == f"mcp_tool_calls_{month:%Y_%m}"
    assert not _default_is_used()


def test_a_row_outside_every_month_is_kept_and_noticed():
    row = make_call(at=datetime(2041, 5, 5, tzinfo=UTC))
    assert _partition_of(row) == "mcp_tool_calls_default"
    assert _default_is_used()


def test_a_month_whose_rows_lie_in_the_default_can_not_be_made():
    make_call(at=datetime(2041, 5, 5, tzinfo=UTC))
    with (
        pytest.raises(IntegrityError, match="mcp_tool_calls_default"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        create_partition(cursor, date(2041, 5, 1))


def test_a_look_up_by_id_reads_one_partition():
    row = make_call()
    plan = ToolCall.objects.filter(pk=row.pk).explain()
    mentioned = {name for name in _partitions() if f" {name}" in plan}
    assert mentioned == {f"mcp_tool_calls_{timezone.now():%Y_%m}"}


def test_reads_since_a_moment_leave_earlier_partitions_alone():
    months = _months_from(timezone.now().date().replace(day=1))
    start = datetime(months[2].year, months[2].month, 1, tzinfo=UTC)
    end = datetime(months[3].year, months[3].month, 1, tzinfo=UTC)
    plan = ToolCall.objects.since(start).until(end).explain()
    mentioned = {name for name in _partitions() if f" {name}" in plan}
    assert mentioned == {f"mcp_tool_calls_{start:%Y_%m}"}


def test_since_and_until_divide_the_log():
    middle = timezone.now().replace(microsecond=500_000)
    early = make_call(at=middle - timedelta(milliseconds=1))
    late = make_call(at=middle)
    assert list(ToolCall.objects.until(middle)) == [early]
    assert list(ToolCall.objects.since(middle)) == [late]


def test_rows_in_the_default_partition_are_put_where_they_belong_as_the_runbook_says():
    runbook = Path(__file__).resolve().parents[2] / "docs" / "ops" / "incidents.md"
    (steps,) = re.findall(r"```python\n(.+?)```", runbook.read_text(), re.DOTALL)
    stray = make_call(at=datetime(2031, 5, 7, tzinfo=UTC), outcome=ok())
    beyond = make_call(at=datetime(2044, 1, 1, tzinfo=UTC))
    assert _partition_of(stray) == "mcp_tool_calls_default"
    assert "months = []" in steps
    exec(steps.replace("months = []", "months = [date(2031, 5, 1)]"), {})
    assert _partition_of(stray) == "mcp_tool_calls_2031_05"
    assert _partition_of(beyond) == "mcp_tool_calls_default"
    assert is_authentic(ToolCall.objects.get(pk=stray.pk))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ToolCall.objects.filter(pk=beyond.pk)._raw_delete("default")
