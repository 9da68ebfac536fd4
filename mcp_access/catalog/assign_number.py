from __future__ import annotations

import uuid
from typing import Literal

from pydantic import Field

from cliqtel_portal.deeds.assign_number import draft_assign_number, plan_assign_number
from cliqtel_portal.numbers.services.assignment import Assignment
from cliqtel_portal.numbers.services.places import Place
from mcp_access.tools.annotations import PRIVILEGED
from mcp_access.tools.approval import ApprovalResult, answer
from mcp_access.tools.fields import DryRun, IdempotencyKey, Reason
from mcp_access.tools.tool import Answer, Arguments, Context, Part, tool


class AssignNumberArguments(Arguments):
    number: str = Field(max_length=40, description="E.164, for example +31201234567.")
    target_kind: Literal["trunk", "call_flow", "none"] = Field(description="none disconnects it.")
    target_id: uuid.UUID | None = Field(
        default=None, description="trunk_id or call_flow_id; none has no id."
    )
    if_currently: str | None = Field(
        default=None,
        max_length=36,
        description="Id it must be connected to now, or none; else stale_base.",
    )
    reason: Reason | None = None
    idempotency_key: IdempotencyKey
    dry_run: DryRun = False


class PlacePart(Part):
    kind: Literal["trunk", "call_flow", "none"]
    id: str | None = None
    name: str | None = None

    @classmethod
    def of(cls, place: Place) -> PlacePart:
        return cls(
            kind=place.kind,
            id=str(place.place_id) if place.place_id else None,
            name=place.name or None,
        )


class AssignNumberResult(ApprovalResult):
    number: str | None = None
    previous: PlacePart | None = None
    target: PlacePart | None = None


@tool(
    title="Assign number",
    scope="mcp.numbers.purchase",
    hints=PRIVILEGED,
    failures=("not_found", "stale_base"),
)
def assign_number(context: Context, arguments: AssignNumberArguments) -> Answer:
    """Ask a person to connect a number to a SIP trunk or a call flow, or to disconnect it.

    Nothing changes until they approve at approval_url. previous is what to assign to undo it.
    """
    if arguments.dry_run:
        planned = plan_assign_number(
            context.requester,
            number=arguments.number,
            target_kind=arguments.target_kind,
            target_id=arguments.target_id,
            if_currently=arguments.if_currently,
        )
        return Answer(
            result=_result(planned, dry_run=True),
            text="All checks passed: nothing was changed, and nobody was asked.",
            facts={"dry_run": True},
        )
    planned, approval = draft_assign_number(
        context.requester,
        number=arguments.number,
        target_kind=arguments.target_kind,
        target_id=arguments.target_id,
        if_currently=arguments.if_currently,
        reason_text=arguments.reason or "",
    )
    return answer(approval, _result(planned))


def _result(planned: Assignment, *, dry_run: bool | None = None) -> AssignNumberResult:
    return AssignNumberResult(
        number=planned.number.e164,
        previous=PlacePart.of(planned.previous),
        target=PlacePart.of(planned.current),
        dry_run=dry_run,
    )
