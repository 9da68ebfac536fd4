"""Records and rows of the log, written through its doors."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from audit.models import ToolCall
from audit.record import CallRecord, Outcome, prepare_arguments
from audit.services import close_tool_call_sync, open_tool_call_sync
from cliqtel_portal.ids import first_uuid7_at, uuid7


def make_record(*, at: datetime | None = None, arguments: Any = None, **fields: Any) -> CallRecord:
    """A record of somebody's call; `at` sets both its time and its id."""
    kept, digest = prepare_arguments({"country": "NL"} if arguments is None else arguments)
    values: dict[str, Any] = {
        "tenant_id": uuid7(),
        "tenant_label": "Acme Test",
        "user_id": uuid7(),
        "user_label": "alice@acme.example",
        "token_id": uuid7(),
        "token_label": "Laptop",
        "client_label": "claude-code 2.0",
        "tool": "search_numbers",
        "scope_required": "mcp.inventory.read",
        "address": "192.0.2.7",
        "protocol_version": "2026-07-28",
        "arguments": kept,
        "argument_digest": digest,
    }
    if at is not None:
        values |= {"started_at": at, "id": id_at(at)}
    return CallRecord(**(values | fields))


def make_call(*, outcome: Outcome | None = None, **fields: Any) -> ToolCall:
    """A row of the log: `running` without an outcome, else closed with it."""
    record = make_record(**fields)
    open_tool_call_sync(record, month_limit=None)
    if outcome is not None:
        close_tool_call_sync(record, outcome)
    return ToolCall.objects.get(pk=record.id)


def ok(**fields: Any) -> Outcome:
    return Outcome(**({"status": "ok", "duration_ms": 12} | fields))


def failed(code: str, **fields: Any) -> Outcome:
    return Outcome(**({"status": "error", "duration_ms": 12, "error_code": code} | fields))


def id_at(moment: datetime) -> uuid.UUID:
    """A UUIDv7 as it would have been made then."""
    low_bits = uuid7().int & ((1 << 62) - 1)
    return uuid.UUID(int=first_uuid7_at(moment).int | low_bits)
