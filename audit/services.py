"""The two doors to the log: open a call before its tool runs, close it after.

Each is one statement that commits by itself, so a row can't roll back with the work it is about.
The asynchronous forms serve `/mcp`; the others run on Django's connection, for Celery and tests.
All build their rows here, in one place.
"""

from __future__ import annotations

import hmac
import json
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from audit.models import MonthlyUsage, ToolCall
from audit.record import CallRecord, Outcome, UnknownKey, sign
from cliqtel_portal import pool
from cliqtel_portal.ids import uuid7

logger = logging.getLogger(__name__)

_COLUMNS = (
    "id, status, started_at, duration_ms, tenant_id, tenant_label, user_id, user_label, token_id,"
    " token_label, client_id, client_label, tool, scope_required, arguments, argument_digest,"
    " result, error_code, address, protocol_version, counted, parent_id, approval_id, actor_id,"
    " actor_label, cost_amount, cost_currency, mac_key_id, mac"
)
_VALUES = (
    "%(id)s, {status}, %(started_at)s, {duration_ms}, %(tenant_id)s, %(tenant_label)s, %(user_id)s,"
    " %(user_label)s, %(token_id)s, %(token_label)s, %(client_id)s, %(client_label)s, %(tool)s,"
    " %(scope_required)s, %(arguments)s::jsonb, %(argument_digest)s, NULL::jsonb, {error_code},"
    " %(address)s, %(protocol_version)s, {counted}, %(parent_id)s, %(approval_id)s, %(actor_id)s,"
    " %(actor_label)s, NULL::numeric, '', %(mac_key_id)s, {mac}"
)
# The month's count and the row are one statement: they can't disagree, whatever dies between.
_OPEN_COUNTED = f"""
WITH usage AS (
    INSERT INTO audit_monthlyusage AS held (id, tenant_id, month, calls)
    VALUES (%(usage_id)s, %(tenant_id)s, %(month)s, 1)
    ON CONFLICT (tenant_id, month) DO UPDATE SET calls = held.calls + 1
        WHERE %(limit)s::bigint IS NULL OR held.calls < %(limit)s::bigint
    RETURNING calls
), admitted AS (SELECT EXISTS (SELECT FROM usage) AS yes)
INSERT INTO mcp_tool_calls ({_COLUMNS})
SELECT {
    _VALUES.format(
        status="CASE WHEN yes THEN 'running' ELSE 'error' END",
        duration_ms="CASE WHEN yes THEN NULL ELSE 0 END",
        error_code="CASE WHEN yes THEN '' ELSE 'quota_exceeded' END",
        counted="yes",
        mac="CASE WHEN yes THEN %(mac)s ELSE %(mac_refused)s END",
    )
} FROM admitted
RETURNING status = 'running'
"""
_OPEN_UNCOUNTED = (
    f"INSERT INTO mcp_tool_calls ({_COLUMNS}) VALUES ("
    + _VALUES.format(
        status="'running'", duration_ms="NULL", error_code="''", counted="false", mac="%(mac)s"
    )
    + ")"
)
_REFUSE = (
    f"INSERT INTO mcp_tool_calls ({_COLUMNS}) VALUES ("
    + _VALUES.format(
        status="'error'",
        duration_ms="0",
        error_code="%(error_code)s",
        counted="false",
        mac="%(mac_refused)s",
    )
    + ")"
)
_CLOSE = """
UPDATE mcp_tool_calls
SET status = %(status)s, duration_ms = %(duration_ms)s, error_code = %(error_code)s,
    result = %(result)s::jsonb, approval_id = coalesce(%(approval_id)s, approval_id),
    cost_amount = %(cost_amount)s, cost_currency = %(cost_currency)s,
    mac_key_id = %(mac_key_id)s, mac = %(mac)s
WHERE id = %(id)s AND status = 'running'
"""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Counted calls of a tenant in the calendar month (UTC) that begins on `month`."""

    month: date
    calls: int
    resets_at: datetime


async def open_tool_call(record: CallRecord, *, month_limit: int | None) -> bool:
    """Write the `running` row and count the call. False: the month is used up, and the row says so.

    Raises:
        psycopg.Error: nothing was written, so the tool must not run.
    """
    if not record.counted:
        await pool.execute(_OPEN_UNCOUNTED, _open_parameters(record))
        return True
    row = await pool.fetch_one(_OPEN_COUNTED, _open_parameters(record, month_limit))
    return bool(row and row[0])


def open_tool_call_sync(record: CallRecord, *, month_limit: int | None) -> bool:
    """As `open_tool_call`, on Django's connection."""
    with connection.cursor() as cursor:
        if not record.counted:
            cursor.execute(_OPEN_UNCOUNTED, _open_parameters(record))
            return True
        cursor.execute(_OPEN_COUNTED, _open_parameters(record, month_limit))
        row = cursor.fetchone()
    return bool(row and row[0])


async def refuse_tool_call(record: CallRecord, error_code: str) -> None:
    """Write the final row of a call that was refused before its tool; it counts nothing."""
    await pool.execute(_REFUSE, _refusal_parameters(record, error_code))


async def close_tool_call(record: CallRecord, outcome: Outcome) -> None:
    """Write the outcome, once. A row that is closed already (as interrupted) stays as it is."""
    if not await pool.execute(_CLOSE, _close_parameters(record, outcome)):
        logger.warning("tool call %s was closed before its outcome came", record.id)


def close_tool_call_sync(record: CallRecord, outcome: Outcome) -> None:
    """As `close_tool_call`, on Django's connection."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, _close_parameters(record, outcome))
        if not cursor.rowcount:
            logger.warning("tool call %s was closed before its outcome came", record.id)


def close_interrupted_calls(*, limit: int = 500) -> int:
    """Close rows left `running` by a process that died as `interrupted`; return how many.

    Never guessed `ok`. Safe beside itself and beside a late `close_tool_call`.
    """
    before = timezone.now() - timedelta(seconds=settings.AUDIT_INTERRUPTED_AFTER)
    with transaction.atomic(), connection.cursor() as cursor:
        rows = list(
            ToolCall.objects.select_for_update(skip_locked=True)
            .filter(status=ToolCall.Status.RUNNING, started_at__lt=before)
            .order_by("started_at")[:limit]
        )
        for row in rows:
            cursor.execute(_CLOSE, _interruption_parameters(row))
    return len(rows)


def record_of(row: ToolCall) -> CallRecord:
    """The signed members of a stored row, as they were when it was opened."""
    return CallRecord(
        id=row.id,
        started_at=row.started_at,
        tenant_id=row.tenant_id,
        tenant_label=row.tenant_label,
        user_id=row.user_id,
        user_label=row.user_label,
        token_id=row.token_id,
        token_label=row.token_label,
        client_id=row.client_id,
        client_label=row.client_label,
        tool=row.tool,
        scope_required=row.scope_required,
        arguments=row.arguments,
        argument_digest=row.argument_digest,
        address=row.address,
        protocol_version=row.protocol_version,
        counted=row.counted,
        parent_id=row.parent_id,
        approval_id=row.approval_id,
        actor_id=row.actor_id,
        actor_label=row.actor_label,
    )


def is_authentic(row: ToolCall) -> bool:
    """Whether the row's mac fits its content.

    Raises:
        UnknownKey: signed with a key that is neither AUDIT_KEY nor in AUDIT_OLD_KEYS.
    """
    outcome = None
    if row.status != ToolCall.Status.RUNNING:
        outcome = Outcome(
            status=row.status,
            duration_ms=row.duration_ms or 0,
            error_code=row.error_code,
            result=row.result,
            approval_id=row.approval_id,
            cost_amount=row.cost_amount,
            cost_currency=row.cost_currency,
        )
    expected = sign(record_of(row), outcome, counted=row.counted, key_id=row.mac_key_id)
    return hmac.compare_digest(expected, row.mac)


def month_bounds(moment: datetime | None = None) -> tuple[date, datetime]:
    """First day of the calendar month (UTC), and the moment at which the next begins."""
    today = (moment or timezone.now()).astimezone(UTC)
    following = datetime(today.year + today.month // 12, today.month % 12 + 1, 1, tzinfo=UTC)
    return date(today.year, today.month, 1), following


def usage_of(tenant_id: uuid.UUID) -> Usage:
    """This month's counted calls of the tenant."""
    month, resets_at = month_bounds()
    calls = (
        MonthlyUsage.objects.filter(tenant_id=tenant_id, month=month)
        .values_list("calls", flat=True)
        .first()
    )
    return Usage(month=month, calls=calls or 0, resets_at=resets_at)


def last_calls_of_tokens(token_ids: Sequence[uuid.UUID], *, each: int = 20) -> list[ToolCall]:
    """The newest calls of these tokens, newest first."""
    return list(ToolCall.objects.filter(token_id__in=token_ids).order_by("-id")[:each])


def has_executed(record: CallRecord) -> bool:
    """Whether an earlier execution of the same approval has ended well in the log."""
    executions = ToolCall.objects.filter(token_id=record.token_id, pk__gt=record.parent_id)
    return executions.filter(
        pk__lt=record.id, approval_id=record.approval_id, parent_id=record.parent_id, status="ok"
    ).exists()


def _open_parameters(record: CallRecord, month_limit: int | None = None) -> dict[str, Any]:
    key_id = settings.AUDIT_KEY_ID
    month, _ = month_bounds(record.started_at)
    refused = Outcome(status="error", error_code="quota_exceeded", duration_ms=0)
    return {
        **_record_parameters(record, key_id),
        "usage_id": uuid7(),
        "month": month,
        "limit": month_limit,
        "mac": sign(record, None, counted=record.counted, key_id=key_id),
        "mac_refused": sign(record, refused, counted=False, key_id=key_id),
    }


def _refusal_parameters(record: CallRecord, error_code: str) -> dict[str, Any]:
    key_id = settings.AUDIT_KEY_ID
    outcome = Outcome(status="error", error_code=error_code, duration_ms=0)
    return {
        **_record_parameters(record, key_id),
        "error_code": error_code,
        "mac_refused": sign(record, outcome, counted=False, key_id=key_id),
    }


def _record_parameters(record: CallRecord, key_id: str) -> dict[str, Any]:
    parameters = {name: getattr(record, name) for name in CallRecord.__dataclass_fields__}
    parameters["arguments"] = json.dumps(record.arguments, ensure_ascii=False)
    parameters["mac_key_id"] = key_id
    return parameters


def _close_parameters(record: CallRecord, outcome: Outcome) -> dict[str, Any]:
    key_id = settings.AUDIT_KEY_ID
    return {
        "id": record.id,
        "status": outcome.status,
        "duration_ms": outcome.duration_ms,
        "error_code": outcome.error_code,
        "result": None if outcome.result is None else json.dumps(outcome.result),
        "approval_id": outcome.approval_id,
        "cost_amount": outcome.cost_amount,
        "cost_currency": outcome.cost_currency,
        "mac_key_id": key_id,
        "mac": sign(record, outcome, counted=record.counted, key_id=key_id),
    }


def _interruption_parameters(row: ToolCall) -> dict[str, Any]:
    lasted = (timezone.now() - row.started_at) // timedelta(milliseconds=1)
    outcome = Outcome(
        status="error",
        error_code="interrupted",
        duration_ms=min(lasted, 2**31 - 1),
        approval_id=row.approval_id,
    )
    parameters = _close_parameters(record_of(row), outcome)
    if not _opened_by_us(row):
        # Signing what somebody slipped in would make it ours: it ends with the mac it came with.
        logger.error("tool call %s was not opened by this installation", row.id)
        parameters |= {"mac": row.mac, "mac_key_id": row.mac_key_id}
    return parameters


def _opened_by_us(row: ToolCall) -> bool:
    try:
        return is_authentic(row)
    except UnknownKey:
        return False
