from __future__ import annotations

import uuid
from typing import Literal

from pydantic import Field

from cliqtel_portal import phone
from cliqtel_portal.errors import InvalidArguments, Problem
from cliqtel_portal.numbers import services
from mcp_access.tools.annotations import READ
from mcp_access.tools.fields import (
    Capability,
    Country,
    Cursor,
    Limit,
    MoneyPart,
    NumberType,
    another_list,
    decode_cursor,
    encode_cursor,
    timestamp,
)
from mcp_access.tools.tool import Answer, Arguments, Context, Part, Result, tool

NumberStatus = Literal["provisioning", "active", "disabled", "porting", "quarantine", "released"]
RegistrationState = Literal["registered", "unregistered", "expired", "never"]
_REGISTRATION_STATES = ("registered", "unregistered", "expired", "never")


class ListInventoryArguments(Arguments):
    kind: Literal["numbers", "trunks", "assignments"] = Field(
        default="numbers", description="assignments: numbers and where they lead."
    )
    country: Country | None = None
    status: (
        Literal[
            "provisioning",
            "active",
            "disabled",
            "porting",
            "quarantine",
            "released",
            "registered",
            "unregistered",
            "expired",
            "never",
        ]
        | None
    ) = Field(
        default=None,
        description="Of trunks: the last four. Released numbers only show if asked for.",
    )
    trunk_id: uuid.UUID | None = Field(default=None, description="Only this trunk or its numbers.")
    contains: str | None = Field(
        default=None,
        min_length=1,
        max_length=40,
        description="Part of a number, or of a trunk's name.",
    )
    tag: str | None = Field(
        default=None, min_length=1, max_length=40, description="Numbers with this tag."
    )
    counts_only: bool = Field(default=False, description="Counts by country and status, no rows.")
    cursor: Cursor | None = None
    limit: Limit = 20


class TargetPart(Part):
    kind: Literal["trunk", "call_flow"]
    id: str
    name: str


class NumberPart(Part):
    id: str
    number: str
    display: str
    country: str
    type: NumberType
    area: str | None = None
    status: NumberStatus
    capabilities: list[Capability]
    assigned_to: TargetPart | None = Field(default=None, description="Absent: leads nowhere.")
    flow_state: Literal["active", "draft", "none"] = Field(
        description="Of the call flow it leads to; draft flows take no calls."
    )
    monthly: MoneyPart
    renews_at: str | None = None
    emergency_address_set: bool
    emergency_state: Literal["none", "pending", "validated"]
    tags: list[str]
    is_demo: bool | None = Field(default=None, description="true: made up, can't be called.")


class TrunkPart(Part):
    id: str
    name: str
    status: Literal["active", "disabled"]
    registration_state: RegistrationState
    numbers: int = Field(description="How many numbers lead to it.")


class AssignmentPart(Part):
    number: str
    display: str
    assigned_to: TargetPart


class CountPart(Part):
    country: str | None = Field(default=None, description="Absent where trunks are counted.")
    status: str
    count: int


class ListInventoryResult(Result):
    numbers: list[NumberPart] = Field(default_factory=list)
    trunks: list[TrunkPart] = Field(default_factory=list)
    assignments: list[AssignmentPart] = Field(default_factory=list)
    counts: list[CountPart] = Field(default_factory=list, description="Only with counts_only.")
    total: int | None = Field(default=None, description="Sum of counts.")
    next_cursor: str | None = Field(default=None, description="Absent on the last page.")


@tool(title="List inventory", scope="mcp.inventory.read", hints=READ)
def list_inventory(context: Context, arguments: ListInventoryArguments) -> Answer:
    """List what this account has: its numbers, its SIP trunks, or where its numbers lead.

    numbers: status, price, renewal, emergency address and target; trunks: ids for other tools and
    registration state. For "how many" use counts_only; for what a call does, list_call_flows.
    """
    _check(arguments)
    if arguments.kind == "trunks":
        return _trunks(context, arguments)
    return _numbers(context, arguments)


def _check(arguments: ListInventoryArguments) -> None:
    """Arguments that mean nothing for the kind are refused: to ignore them would mislead."""
    problems = []
    is_trunk_state = arguments.status in _REGISTRATION_STATES
    if arguments.kind == "trunks":
        problems = [
            Problem(field=field, message="Means nothing for trunks; leave it out.")
            for field in ("country", "tag")
            if getattr(arguments, field) is not None
        ]
        if arguments.status is not None and not is_trunk_state:
            states = ", ".join(_REGISTRATION_STATES)
            problems.append(Problem(field="status", message=f"Of trunks it is one of {states}."))
    elif is_trunk_state:
        problems.append(
            Problem(field="status", message="That is a state of trunks; use kind trunks.")
        )
    if problems:
        raise InvalidArguments("The arguments don't fit the kind. Correct them.", problems=problems)


def _numbers(context: Context, arguments: ListInventoryArguments) -> Answer:
    filters = services.NumberFilters(
        country=arguments.country,
        status=arguments.status,
        trunk_id=arguments.trunk_id,
        contains=arguments.contains,
        tag=arguments.tag,
        assigned_only=arguments.kind == "assignments",
    )
    if arguments.counts_only:
        return _counts(services.count_numbers(context.principal.tenant, filters), "number")
    page = services.list_numbers(
        context.principal.tenant, filters, limit=arguments.limit, after=_after(arguments)
    )
    as_assignments = arguments.kind == "assignments"
    return Answer(
        result=ListInventoryResult(
            numbers=[] if as_assignments else [_number(row) for row in page.numbers],
            assignments=[
                AssignmentPart(
                    number=row.e164,
                    display=phone.display(row.e164),
                    assigned_to=_target(row.assigned_to),
                )
                for row in page.numbers
                if as_assignments and row.assigned_to is not None
            ],
            next_cursor=_cursor(arguments, page.next_after),
        ),
        text=_text(
            len(page.numbers), "assignment" if as_assignments else "number", page.next_after
        ),
        facts={"count": len(page.numbers), "has_more": page.next_after is not None},
    )


def _trunks(context: Context, arguments: ListInventoryArguments) -> Answer:
    filters = services.TrunkFilters(
        registration_state=arguments.status,
        trunk_id=arguments.trunk_id,
        contains=arguments.contains,
    )
    if arguments.counts_only:
        return _counts(services.count_trunks(context.principal.tenant, filters), "trunk")
    page = services.list_trunks(
        context.principal.tenant, filters, limit=arguments.limit, after=_after(arguments)
    )
    return Answer(
        result=ListInventoryResult(
            trunks=[
                TrunkPart(
                    id=str(row.trunk_id),
                    name=row.name,
                    status=row.status,
                    registration_state=row.registration_state,
                    numbers=row.numbers,
                )
                for row in page.trunks
            ],
            next_cursor=_cursor(arguments, page.next_after),
        ),
        text=_text(len(page.trunks), "trunk", page.next_after),
        facts={"count": len(page.trunks), "has_more": page.next_after is not None},
    )


def _counts(counts: tuple[services.StatusCount, ...], noun: str) -> Answer:
    total = sum(row.count for row in counts)
    return Answer(
        result=ListInventoryResult(
            counts=[
                CountPart(country=row.country, status=row.status, count=row.count) for row in counts
            ],
            total=total,
        ),
        text=_text(total, noun, None),
        facts={"count": total},
    )


def _number(row: services.InventoryNumber) -> NumberPart:
    return NumberPart(
        id=str(row.number_id),
        number=row.e164,
        display=phone.display(row.e164),
        country=row.country,
        type=row.number_type,
        area=row.area or None,
        status=row.status,
        capabilities=list(row.capabilities),
        assigned_to=None if row.assigned_to is None else _target(row.assigned_to),
        flow_state=row.flow_state,
        monthly=MoneyPart.of(row.monthly),
        renews_at=timestamp(row.renews_at),
        emergency_address_set=row.emergency_state != "none",
        emergency_state=row.emergency_state,
        tags=list(row.tags),
        is_demo=row.is_demo or None,
    )


def _target(target: services.Target) -> TargetPart:
    return TargetPart(kind=target.kind, id=str(target.target_id), name=target.name)


def _cursor(arguments: ListInventoryArguments, after: tuple[str, uuid.UUID] | None) -> str | None:
    return None if after is None else encode_cursor(arguments.kind, after[0], str(after[1]))


def _after(arguments: ListInventoryArguments) -> tuple[str, uuid.UUID] | None:
    if arguments.cursor is None:
        return None
    kind, key, identifier = decode_cursor(arguments.cursor, 3)
    try:
        if kind != arguments.kind:
            raise ValueError("a cursor of another kind")
        key.encode()  # a lone surrogate would reach the database otherwise
        return key, uuid.UUID(identifier)
    except ValueError as error:
        raise another_list() from error


def _text(count: int, noun: str, after: tuple[str, uuid.UUID] | None) -> str:
    text = f"{count} {noun if count == 1 else noun + 's'}"
    return f"{text}; more with next_cursor." if after is not None else f"{text}."
