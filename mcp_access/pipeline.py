"""The order of the steps of one call; each step lives elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.conf import settings
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout

from approvals.models import Approval
from audit.record import CallRecord, Outcome
from audit.redaction import redact
from audit.services import (
    close_tool_call,
    close_tool_call_sync,
    has_executed,
    open_tool_call_sync,
)
from cliqtel_portal import tracing
from cliqtel_portal.errors import InvalidArguments, PortalError, Problem
from mcp_access import metrics
from mcp_access.authorization import check_access
from mcp_access.bridge import run_sync
from mcp_access.call import ToolCall, execution_record, new_record
from mcp_access.idempotency import run_once
from mcp_access.principal import Principal
from mcp_access.tools import registry
from mcp_access.tools.approval import resume
from mcp_access.tools.tool import Answer, Context, Tool

logger = logging.getLogger(__name__)


class UnknownTool(PortalError):
    """The registry has no such tool; on the wire a JSON-RPC error, not a result."""

    code = "unknown_tool"


class InternalError(PortalError):
    """What was not expected. Its words are ours; the exception's go to the log."""

    code = "internal_error"
    retryable = True


class ResultTooLarge(PortalError):
    code = "invalid_arguments"


async def execute_tool_call(
    call: ToolCall, name: str, arguments: Mapping[str, Any] | None, *, resumed: str = ""
) -> Answer:
    """Run the tool of an open call and close its audit row, whatever happens.

    `resumed`: the approval that an earlier round of this very call asked for. The tool doesn't run
    again: the answer tells how that approval stands.

    Raises:
        UnknownTool: there is no such tool.
        PortalError: an expected failure, or `InternalError` for any other.
    """
    try:
        tool = _checked_tool(call.principal, name)
        parsed = tool.parse(_clean(arguments))
        context = _context(call)
        if resumed:
            answer = await run_sync(resume, tool, context, resumed)
        else:
            answer = _bounded(await run_sync(run_once, tool, context, parsed))
    except Exception as error:
        expected = _expected(error, call)
        await close(call, _outcome(call, expected))
        raise expected from error
    await close(call, _outcome(call, answer))
    return answer


async def close(call: ToolCall, outcome: Outcome) -> None:
    """Close the row of the call. The deed is done: a failure here is logged, not answered.

    The row then stays `running` and the beat task closes it as `interrupted`.
    """
    call.is_closed = True
    metrics.count_call(call.record.tool, outcome)
    try:
        await close_tool_call(call.record, outcome)
    except (DatabaseError, PoolTimeout):
        logger.exception("tool call %s stays open in the log", call.record.id)


def execute_tool_call_sync(
    principal: Principal, name: str, arguments: Mapping[str, Any] | None, *, counted: bool = True
) -> Answer:
    """As `execute_tool_call`, with opening the row, in one thread on Django's connection."""
    record = new_record(principal, tool=name, arguments=arguments, counted=counted)
    limit = principal.calls_per_month if principal.month_is_hard else None
    call = ToolCall(principal=principal, record=record)
    if not open_tool_call_sync(record, month_limit=limit):
        raise QuotaExceeded("This month's tool calls are used up.")
    try:
        tool = _checked_tool(principal, name)
        answer = _bounded(run_once(tool, _context(call), tool.parse(_clean(arguments))))
    except Exception as error:
        expected = _expected(error, call)
        close_tool_call_sync(record, _outcome(call, expected))
        raise expected from error
    close_tool_call_sync(record, _outcome(call, answer))
    return answer


def execute_approved_call(
    approval: Approval, deed: Callable[[], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Do the deed with an audit row of its own: child of the drafting call, actor the approver.

    Each attempt has its row. Not inside a transaction.

    Raises:
        Exception: the deed's, unchanged: approvals know which to try again.
    """
    record = execution_record(approval)
    drafted_id = record.parent_id or record.id
    with (
        structlog.contextvars.bound_contextvars(call=str(record.id), approval=str(approval.pk)),
        tracing.execution(record.id, drafted_id, f"execute {record.tool}"),
    ):
        return _execute(approval, record, deed)


def _execute(
    approval: Approval, record: CallRecord, deed: Callable[[], Mapping[str, Any]]
) -> Mapping[str, Any]:
    started = time.perf_counter()
    open_tool_call_sync(record, month_limit=None)

    def ended(**fields: Any) -> Outcome:
        duration_ms = max(0, round((time.perf_counter() - started) * 1000))
        return Outcome(duration_ms=duration_ms, approval_id=approval.pk, **fields)

    try:
        outcome = deed()
    except Exception as error:
        code = error.code if isinstance(error, PortalError) else InternalError.code
        close_tool_call_sync(record, ended(status="error", error_code=code))
        raise
    # After an attempt that died between its own row and the approval's: nothing was spent again.
    is_repeat = approval.attempts > 1 and has_executed(record)
    cost = None if is_repeat else approval.price
    close_tool_call_sync(
        record,
        ended(
            status="ok",
            result={"attempt": approval.attempts},
            cost_amount=cost.first_charge.amount if cost else None,
            cost_currency=cost.currency if cost else "",
        ),
    )
    return outcome


class QuotaExceeded(PortalError):
    code = "quota_exceeded"


def _checked_tool(principal: Principal, name: str) -> Tool:
    tool = registry.get(name)
    if tool is None:
        raise UnknownTool("There is no such tool. Call tools/list for those that there are.")
    check_access(principal, tool)
    return tool


def _context(call: ToolCall) -> Context:
    return Context(
        principal=call.principal,
        call_id=str(call.record.id),
        burst=call.burst,
        client_label=call.record.client_label,
    )


def _clean(arguments: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Refuse NUL, which PostgreSQL can't hold, before it gets anywhere.

    Raises:
        InvalidArguments: with the place of each.
    """
    problems = [
        Problem(field=place, message="Contains a NUL character; remove it.")
        for place in _unstorable(arguments or {}, "")
    ]
    if problems:
        raise InvalidArguments(
            "The arguments contain characters that can't be stored.", problems=problems[:20]
        )
    return arguments or {}


def _unstorable(value: Any, place: str) -> list[str]:
    # The gate has bounded the depth.
    if isinstance(value, str):
        return [place] if "\x00" in value else []
    if isinstance(value, Mapping):
        found = []
        for key, item in value.items():
            inside = f"{place}.{key}" if place else str(key)
            found += ["arguments"] if _unstorable(key, "key") else _unstorable(item, inside)
        return found
    if isinstance(value, list):
        return [hit for i, item in enumerate(value) for hit in _unstorable(item, f"{place}.{i}")]
    return []


def _bounded(answer: Answer) -> Answer:
    size = len(answer.result.model_dump_json(exclude_none=True))
    if size > settings.MCP_MAX_RESULT_CHARS:
        raise ResultTooLarge(
            "The result is larger than AI hosts accept. Ask for less: a smaller limit or a filter.",
            problems=[Problem(field="limit", message="Ask for fewer rows.")],
        )
    return answer


def _expected(error: Exception, call: ToolCall) -> PortalError:
    if isinstance(error, PortalError):
        return error
    logger.error("tool call %s failed", call.record.id, exc_info=error)
    return InternalError(
        f"Something went wrong on our side. Tell Cliqtel support this call: {call.record.id}."
    )


def _outcome(call: ToolCall, ended: Answer | PortalError) -> Outcome:
    if isinstance(ended, Answer):
        facts = redact(dict(ended.facts)) if ended.facts else None
        return Outcome(
            status="ok",
            duration_ms=call.duration_ms,
            result=facts,
            approval_id=ended.approval_id,
        )
    facts = {"problems": len(ended.problems)} if ended.problems else None
    return Outcome(
        status="error", duration_ms=call.duration_ms, error_code=ended.code, result=facts
    )
