"""The doors to the log, on Django's connection."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audit.models import MonthlyUsage, ToolCall
from audit.services import (
    _REFUSE,
    _refusal_parameters,
    close_interrupted_calls,
    close_tool_call_sync,
    is_authentic,
    last_calls_of_tokens,
    month_bounds,
    open_tool_call_sync,
    usage_of,
)
from cliqtel_portal.ids import uuid7
from tests.factories.audit import failed, make_call, make_record, ok


def _long_ago() -> datetime:
    return timezone.now() - timedelta(hours=1)


def _count(tenant_id) -> int:
    return usage_of(tenant_id).calls


@pytest.mark.django_db
def test_opening_writes_the_running_row_and_counts_it_in_one_statement(
    django_assert_num_queries,
):
    record = make_record(arguments={"pin": "1234", "country": "NL"})
    with django_assert_num_queries(1):
        assert open_tool_call_sync(record, month_limit=10) is True
    row = ToolCall.objects.get()
    assert (row.status, row.counted, row.duration_ms, row.error_code) == ("running", True, None, "")
    assert row.arguments == {"pin": "[redacted]", "country": "NL"}
    assert is_authentic(row)
    assert _count(record.tenant_id) == 1


@pytest.mark.django_db
def test_over_a_hard_month_the_row_is_a_refusal_that_counts_nothing():
    tenant = uuid7()
    records = [make_record(tenant_id=tenant) for _ in range(5)]
    assert [open_tool_call_sync(record, month_limit=3) for record in records] == [
        True,
        True,
        True,
        False,
        False,
    ]
    refused = ToolCall.objects.filter(pk__in=[record.id for record in records[3:]])
    for row in refused:
        assert (row.status, row.error_code) == ("error", "quota_exceeded")
        assert (row.counted, row.duration_ms) == (False, 0)
        assert is_authentic(row)
    assert len(refused) == 2
    assert _count(tenant) == 3


@pytest.mark.django_db
def test_a_month_without_a_hard_limit_goes_on_counting():
    tenant = uuid7()
    assert all(
        open_tool_call_sync(make_record(tenant_id=tenant), month_limit=None) for _ in range(5)
    )
    assert _count(tenant) == 5


@pytest.mark.django_db
def test_tenants_and_months_are_counted_apart():
    tenant, stranger = uuid7(), uuid7()
    last_month = month_bounds()[0] - timedelta(days=1)
    make_call(tenant_id=tenant)
    make_call(tenant_id=stranger)
    make_call(tenant_id=stranger)
    make_call(
        tenant_id=tenant, at=datetime(last_month.year, last_month.month, last_month.day, tzinfo=UTC)
    )
    assert (_count(tenant), _count(stranger)) == (1, 2)
    held = MonthlyUsage.objects.filter(tenant_id=tenant).order_by("month")
    assert [usage.month for usage in held] == [last_month.replace(day=1), month_bounds()[0]]


@pytest.mark.django_db
def test_uncounted_calls_run_even_when_the_month_is_used_up():
    tenant = uuid7()
    open_tool_call_sync(make_record(tenant_id=tenant), month_limit=1)
    execution = make_record(tenant_id=tenant, counted=False, parent_id=uuid7(), approval_id=uuid7())
    assert open_tool_call_sync(execution, month_limit=1) is True
    row = ToolCall.objects.get(pk=execution.id)
    assert (row.status, row.counted) == ("running", False)
    assert is_authentic(row)
    assert _count(tenant) == 1


@pytest.mark.django_db
def test_a_refusal_is_final_and_counts_nothing():
    record = make_record()
    with connection.cursor() as cursor:
        cursor.execute(_REFUSE, _refusal_parameters(record, "rate_limited"))
    row = ToolCall.objects.get()
    assert (row.status, row.error_code, row.counted) == ("error", "rate_limited", False)
    assert is_authentic(row)
    assert not MonthlyUsage.objects.exists()


@pytest.mark.django_db
def test_closing_sets_the_outcome():
    approval = uuid7()
    row = make_call(outcome=ok(result={"count": 3}, approval_id=approval, duration_ms=70))
    assert (row.status, row.duration_ms, row.result) == ("ok", 70, {"count": 3})
    assert row.approval_id == approval
    assert is_authentic(row)


@pytest.mark.django_db
def test_closing_keeps_the_approval_that_the_row_was_opened_with():
    approval = uuid7()
    row = make_call(counted=False, approval_id=approval, outcome=failed("not_found"))
    assert row.approval_id == approval
    assert is_authentic(row)


@pytest.mark.django_db
def test_a_row_is_closed_once(caplog):
    record = make_record()
    open_tool_call_sync(record, month_limit=None)
    close_tool_call_sync(record, failed("not_found"))
    with caplog.at_level(logging.WARNING, "audit.services"):
        close_tool_call_sync(record, ok())
    row = ToolCall.objects.get()
    assert (row.status, row.error_code) == ("error", "not_found")
    assert is_authentic(row)
    assert str(record.id) in caplog.text


@pytest.mark.django_db
def test_the_row_cannot_be_opened_twice():
    record = make_record()
    open_tool_call_sync(record, month_limit=None)
    with pytest.raises(Exception, match="duplicate key"), transaction.atomic():
        open_tool_call_sync(record, month_limit=None)
    assert _count(record.tenant_id) == 1


@pytest.mark.django_db
def test_what_was_left_running_is_closed_as_interrupted():
    old = make_call(at=_long_ago(), approval_id=uuid7())
    young = make_call()
    done = make_call(at=_long_ago(), outcome=ok())
    assert close_interrupted_calls() == 1
    row = ToolCall.objects.get(pk=old.pk)
    assert (row.status, row.error_code) == ("error", "interrupted")
    assert 3_600_000 <= (row.duration_ms or 0) < 3_660_000
    assert row.approval_id == old.approval_id
    assert row.counted is True
    assert is_authentic(row)
    assert ToolCall.objects.get(pk=young.pk).status == "running"
    assert ToolCall.objects.get(pk=done.pk).status == "ok"
    assert close_interrupted_calls() == 0


@pytest.mark.django_db
def test_a_late_outcome_of_an_interrupted_call_changes_nothing():
    record = make_record(at=_long_ago())
    open_tool_call_sync(record, month_limit=None)
    close_interrupted_calls()
    close_tool_call_sync(record, ok(result={"count": 1}))
    row = ToolCall.objects.get()
    assert (row.status, row.error_code, row.result) == ("error", "interrupted", None)
    assert is_authentic(row)


@pytest.mark.django_db
def test_interrupted_calls_are_closed_oldest_first_and_in_bounded_numbers():
    rows = [make_call(at=_long_ago() - timedelta(minutes=age)) for age in (3, 1, 2)]
    assert close_interrupted_calls(limit=2) == 2
    assert ToolCall.objects.get(status="running").pk == rows[1].pk


@pytest.mark.django_db
def test_a_call_of_many_days_fits_the_column():
    row = make_call(at=timezone.now() - timedelta(days=60))
    close_interrupted_calls()
    closed = ToolCall.objects.get(pk=row.pk)
    assert closed.duration_ms == 2**31 - 1
    assert is_authentic(closed)


@pytest.mark.django_db
@pytest.mark.parametrize("key_id", ["k1", "unknown"])
def test_a_forged_running_row_is_closed_but_never_signed_by_us(key_id, caplog):
    template = make_call(at=_long_ago(), outcome=ok())
    columns = [
        field.column
        for field in ToolCall._meta.concrete_fields
        if field.column not in ("id", "status", "duration_ms", "mac_key_id", "tool")
    ]
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO mcp_tool_calls (id, status, mac_key_id, tool, {names})"
            f" SELECT %s, 'running', %s, 'purchase_number', {names}"
            " FROM mcp_tool_calls WHERE id = %s",
            [uuid7(), key_id, template.pk],
        )
    assert close_interrupted_calls() == 1
    forged = ToolCall.objects.get(tool="purchase_number")
    assert (forged.status, forged.error_code) == ("error", "interrupted")
    assert (forged.mac, forged.mac_key_id) == (template.mac, key_id)
    assert f"{forged.pk} was not opened by this installation" in caplog.text
    forged.mac_key_id = "k1"
    assert not is_authentic(forged)


@pytest.mark.django_db
def test_last_calls_are_the_newest_of_those_tokens():
    token, other = uuid7(), uuid7()
    rows = [make_call(token_id=token) for _ in range(3)]
    make_call(token_id=other)
    assert [row.pk for row in last_calls_of_tokens([token], each=2)] == [rows[2].pk, rows[1].pk]


@pytest.mark.parametrize(
    ("moment", "first", "reset"),
    [
        (
            datetime(2026, 12, 31, 23, 59, tzinfo=UTC),
            date(2026, 12, 1),
            datetime(2027, 1, 1, tzinfo=UTC),
        ),
        (datetime(2026, 2, 1, tzinfo=UTC), date(2026, 2, 1), datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_months_are_those_of_utc(moment, first, reset):
    assert month_bounds(moment) == (first, reset)
    elsewhere = moment.astimezone(timezone.get_fixed_timezone(600))
    assert month_bounds(elsewhere) == (first, reset)


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_of_48_calls_at_once_exactly_the_months_limit_is_admitted():
    tenant, limit = uuid7(), 20
    start = threading.Barrier(16)

    def call_thrice(_: int) -> int:
        start.wait()
        try:
            return sum(
                open_tool_call_sync(make_record(tenant_id=tenant), month_limit=limit)
                for _ in range(3)
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as threads:
        admitted = sum(threads.map(call_thrice, range(16)))
    rows = ToolCall.objects.for_tenant(tenant)
    assert admitted == limit
    assert rows.filter(status="running", counted=True).count() == limit
    assert rows.filter(error_code="quota_exceeded", counted=False).count() == 48 - limit
    assert _count(tenant) == rows.filter(counted=True).count()
    assert all(is_authentic(row) for row in rows)


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_two_that_close_interrupted_calls_at_once_share_them():
    rows = [make_call(at=_long_ago()) for _ in range(6)]

    def close_in_another_connection() -> int:
        try:
            return close_interrupted_calls()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other, transaction.atomic():
        assert close_interrupted_calls(limit=4) == 4
        # Those four are locked until our commit: the other neither waits for them nor takes them.
        assert other.submit(close_in_another_connection).result(timeout=20) == 2
    closed = ToolCall.objects.filter(pk__in=[row.pk for row in rows])
    assert {row.error_code for row in closed} == {"interrupted"}
    assert all(is_authentic(row) for row in closed)
