"""The doors that `/mcp` uses write the very rows of the others."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta

import psycopg
import pytest
from django.utils import timezone

from audit.models import ToolCall
from audit.record import CallRecord
from audit.services import (
    close_interrupted_calls,
    close_tool_call,
    close_tool_call_sync,
    is_authentic,
    open_tool_call,
    open_tool_call_sync,
    refuse_tool_call,
    usage_of,
)
from cliqtel_portal.ids import uuid7
from mcp_access.bridge import run_sync
from tests.factories.audit import failed, make_record, ok

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

_OWN = ("id", "mac")


async def _row(record: CallRecord) -> ToolCall:
    return await ToolCall.objects.aget(pk=record.id)


async def _content(record: CallRecord) -> dict[str, object]:
    row = await _row(record)
    return {
        field.attname: getattr(row, field.attname)
        for field in ToolCall._meta.concrete_fields
        if field.attname not in _OWN
    }


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("outcome", [ok(result={"n": [1, "ü"]}), failed("not_found")], ids=str)
async def test_rows_equal_those_of_the_other_doors(counted, outcome):
    one = make_record(arguments={"text": "hi", "ü": [0.5, None]}, counted=counted)
    two = dataclasses.replace(one, id=uuid7())
    assert await open_tool_call(one, month_limit=9) is True
    assert await run_sync(lambda: open_tool_call_sync(two, month_limit=9)) is True
    assert await _content(one) == await _content(two)
    await close_tool_call(one, outcome)
    await run_sync(lambda: close_tool_call_sync(two, outcome))
    assert await _content(one) == await _content(two)
    assert is_authentic(await _row(one))
    assert is_authentic(await _row(two))
    assert (await run_sync(usage_of, one.tenant_id)).calls == (2 if counted else 0)


async def test_refusals_for_the_month_equal_those_of_the_other_doors():
    one = make_record()
    two = dataclasses.replace(one, id=uuid7())
    await open_tool_call(dataclasses.replace(one, id=uuid7()), month_limit=1)
    assert await open_tool_call(one, month_limit=1) is False
    assert await run_sync(lambda: open_tool_call_sync(two, month_limit=1)) is False
    assert await _content(one) == await _content(two)
    assert is_authentic(await _row(one))


async def test_a_refusal_is_final_and_counts_nothing():
    record = make_record()
    await refuse_tool_call(record, "insufficient_scope")
    row = await _row(record)
    assert (row.status, row.error_code, row.counted) == ("error", "insufficient_scope", False)
    assert is_authentic(row)
    assert (await run_sync(usage_of, record.tenant_id)).calls == 0


async def test_of_60_calls_at_once_exactly_the_months_limit_is_admitted():
    tenant = uuid7()
    records = [make_record(tenant_id=tenant) for _ in range(60)]
    answers = await asyncio.gather(*(open_tool_call(record, month_limit=25) for record in records))
    assert sum(answers) == 25
    rows = ToolCall.objects.for_tenant(tenant)
    assert await rows.filter(counted=True).acount() == 25
    assert await rows.filter(error_code="quota_exceeded").acount() == 35
    assert (await run_sync(usage_of, tenant)).calls == 25
    assert all([is_authentic(row) async for row in rows])


async def test_a_late_outcome_of_an_interrupted_call_changes_nothing(caplog):
    record = make_record(at=timezone.now() - timedelta(hours=1))
    await open_tool_call(record, month_limit=None)
    assert await run_sync(close_interrupted_calls) == 1
    await close_tool_call(record, ok(result={"count": 1}))
    row = await _row(record)
    assert (row.status, row.error_code, row.result) == ("error", "interrupted", None)
    assert is_authentic(row)
    assert f"{record.id} was closed before its outcome came" in caplog.text


async def test_of_many_that_close_one_row_the_first_wins():
    record = make_record()
    await open_tool_call(record, month_limit=None)
    await asyncio.gather(*(close_tool_call(record, ok(duration_ms=n)) for n in range(8)))
    row = await _row(record)
    assert row.status == "ok"
    assert is_authentic(row)


async def test_a_row_that_can_not_be_written_counts_nothing():
    record = make_record()
    broken = dataclasses.replace(record, tool="x" * 81)
    with pytest.raises(psycopg.errors.StringDataRightTruncation):
        await open_tool_call(broken, month_limit=None)
    assert (await run_sync(usage_of, record.tenant_id)).calls == 0
    assert not await ToolCall.objects.aexists()


async def test_a_row_is_there_for_others_as_soon_as_the_door_answers():
    record = make_record()
    await open_tool_call(record, month_limit=None)
    assert await run_sync(ToolCall.objects.filter(pk=record.id, status="running").exists) is True
