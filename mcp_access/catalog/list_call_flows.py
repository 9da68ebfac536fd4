from __future__ import annotations

from typing import Literal

from pydantic import Field

from cliqtel_portal import phone
from cliqtel_portal.callflows import services
from mcp_access.tools.annotations import READ
from mcp_access.tools.fields import (
    Cursor,
    Limit,
    another_list,
    decode_cursor,
    encode_cursor,
    timestamp,
)
from mcp_access.tools.tool import Answer, Arguments, Context, Part, Result, tool


class ListCallFlowsArguments(Arguments):
    status: Literal["active", "draft", "none"] | None = Field(
        default=None, description="Only this status; none: numbers without a flow."
    )
    cursor: Cursor | None = None
    limit: Limit = 20


class NumberFlowPart(Part):
    number: str
    display: str
    status: Literal["active", "draft", "none"]
    call_flow_id: str | None = None
    name: str | None = Field(default=None, description="Name of the call flow.")
    revision: int | None = Field(
        default=None, description="The active revision; the newest one of a draft."
    )
    pending_change_id: str | None = Field(
        default=None, description="Proposed change that waits for a person."
    )
    updated_at: str | None = None


class UnusedFlowPart(Part):
    call_flow_id: str
    name: str
    status: Literal["active", "draft"]
    updated_at: str


class ListCallFlowsResult(Result):
    numbers: list[NumberFlowPart] = Field(default_factory=list)
    without_numbers: list[UnusedFlowPart] = Field(
        default_factory=list, description="Flows that no number leads to; with the first page only."
    )
    next_cursor: str | None = Field(default=None, description="Absent on the last page.")


@tool(title="List call flows", scope="mcp.callflows.read", hints=READ)
def list_call_flows(context: Context, arguments: ListCallFlowsArguments) -> Answer:
    """List which call flow each number's calls follow, its status and revision.

    active: calls follow it. draft: not published. none: calls go to a trunk or are rejected.
    pending_change_id: a change that waits for a person. get_call_flow shows the flow itself.
    """
    page = services.routing_of_numbers(
        context.principal.tenant,
        status=arguments.status,
        after=_after(arguments.cursor),
        limit=arguments.limit,
    )
    return Answer(
        result=ListCallFlowsResult(
            numbers=[_number(row) for row in page.numbers],
            without_numbers=[
                UnusedFlowPart(
                    call_flow_id=str(flow.pk),
                    name=flow.name,
                    status=flow.status,
                    updated_at=timestamp(flow.updated_at) or "",
                )
                for flow in page.unused
            ],
            next_cursor=encode_cursor(page.next_after) if page.next_after else None,
        ),
        text=_text(page),
        facts={"count": len(page.numbers), "has_more": page.next_after is not None},
    )


def _after(cursor: str | None) -> str:
    if cursor is None:
        return ""
    (number,) = decode_cursor(cursor, 1)
    if not phone.E164.fullmatch(number):
        raise another_list()
    return number


def _number(row: services.NumberRouting) -> NumberFlowPart:
    return NumberFlowPart(
        number=row.e164,
        display=phone.display(row.e164),
        status=row.status,
        call_flow_id=str(row.call_flow_id) if row.call_flow_id else None,
        name=row.name,
        revision=row.revision,
        pending_change_id=str(row.pending_change_id) if row.pending_change_id else None,
        updated_at=timestamp(row.updated_at),
    )


def _text(page: services.RoutingPage) -> str:
    text = _count(len(page.numbers), "number")
    if page.unused:
        text += f"; {_count(len(page.unused), 'flow')} without a number"
    return f"{text}; more with next_cursor." if page.next_after else f"{text}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
