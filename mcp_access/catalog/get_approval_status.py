from __future__ import annotations

import uuid
from typing import Any, Literal

from django.utils import timezone
from pydantic import Field

from approvals.models import Approval
from approvals.states import Status
from cliqtel_portal.errors import NotFound
from mcp_access.tools.annotations import READ
from mcp_access.tools.approval import CostPart, failure_of, url_of
from mcp_access.tools.fields import timestamp
from mcp_access.tools.tool import Answer, Arguments, Context, Result, tool


class GetApprovalStatusArguments(Arguments):
    approval_id: uuid.UUID = Field(description="Of a pending_approval result.")


_Status = Literal[
    "ok",
    "error",
    "pending",
    "approved",
    "rejected",
    "expired",
    "cancelled",
    "executing",
    "executed",
    "failed",
]


class GetApprovalStatusResult(Result):
    unlisted = Result.unlisted | {"approval_id", "executed_at", "next_try_at", "reason_code"}

    status: _Status = "ok"  # type: ignore[assignment]
    approval_id: str | None = None
    approval_url: str | None = None
    summary: str | None = None
    action: str | None = None
    cost: CostPart | None = None
    expires_at: str | None = None
    decided_at: str | None = None
    decided_by: str | None = None
    comment: str | None = None
    executed_at: str | None = None
    next_try_at: str | None = None
    outcome: dict[str, Any] | None = None
    # Why an approved deed was not done.
    reason: str | None = None
    reason_code: str | None = None


# What is done then is Cliqtel's doing.
_AFTER_APPROVAL = {Status.EXECUTING, Status.EXECUTED, Status.FAILED}


@tool(title="Get approval status", scope=None, hints=READ, failures=("not_found",))
def get_approval_status(context: Context, arguments: GetApprovalStatusArguments) -> Answer:
    """Tell whether a person approved or rejected a draft, what they wrote, and what came of it.

    executed: outcome has the result; rejected: comment has the person's words; failed: reason. Ask
    every half minute, or when the person says so; don't draft the same again meanwhile.
    """
    approval = (
        Approval.objects.for_tenant(context.principal.tenant)
        .filter(pk=arguments.approval_id)
        .first()
    )
    if approval is None:
        raise NotFound("There is no such approval in this account. Check approval_id.")
    status = approval.status_at(timezone.now())
    # One of several who had to agree is not who ended it.
    ended_otherwise = status in {Status.EXPIRED, Status.CANCELLED}
    decision = None if ended_otherwise else approval.decisions.in_order().last()
    failure = failure_of(approval) if status == Status.FAILED else None
    decided = status not in {Status.PENDING, Status.EXPIRED}
    decider = decision.user if decision else approval.requester
    result = GetApprovalStatusResult(
        status=status.value,
        approval_id=str(approval.pk),
        approval_url=url_of(approval),
        summary=approval.title,
        action=approval.action,
        cost=CostPart.of(approval.price),
        expires_at=timestamp(approval.expires_at),
        decided_at=timestamp(approval.decided_at) if decided else None,
        decided_by=decider.display_name if decided else None,
        comment=(decision.comment or None) if decision else None,
        executed_at=timestamp(approval.executed_at),
        next_try_at=timestamp(approval.due_at) if approval.attempts > 0 else None,
        outcome=approval.outcome if status == Status.EXECUTED else None,
        reason=failure.message if failure else None,
        reason_code=failure.code if failure else None,
    )
    return Answer(
        result=result,
        text=_text(approval, status, result),
        facts={"approval": status.value},
        approval_id=approval.pk,
    )


def _text(approval: Approval, status: Status, result: GetApprovalStatusResult) -> str:
    words = f"{approval.title}: {status.label.lower()}"
    if result.decided_by:
        deed = ", approved" if status in _AFTER_APPROVAL else ""
        words += f"{deed} by {result.decided_by}"
    if result.reason:
        words += f". {result.reason}"
    elif result.comment:
        words += f". They wrote: {result.comment}"
    elif status == Status.PENDING:
        words += f". A person decides at {result.approval_url} until {result.expires_at}"
    return f"{words.rstrip('.')}."[:600]
