"""The answer of a tool that asked a person: one shape for all of them.

A tool that drafts returns `answer(approval, result=…)`; its result model inherits ApprovalResult.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Literal, TypeVar

from django.conf import settings
from django.utils import timezone
from pydantic import Field

from approvals.models import Approval
from approvals.quotes import Quote
from approvals.states import Status
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.errors import NotFound, PortalError
from cliqtel_portal.money import Money
from mcp_access.tools.fields import timestamp
from mcp_access.tools.tool import Answer, Context, Part, Prompt, Result, Tool


class ApprovalRejected(PortalError):
    """A person said no, or the requester took it back."""

    code = "approval_rejected"


class ApprovalLapsed(PortalError):
    """Nobody decided in time."""

    code = "approval_expired"


class ExecutionFailed(PortalError):
    """It was approved and could not be done; `code` is the reason's."""


class CostPart(Part):
    once: str = Field(description="Charged once, a decimal string.")
    monthly: str
    currency: str

    @classmethod
    def of(cls, quote: Quote | None) -> CostPart | None:
        return cls(**quote.as_json()) if quote is not None else None


# Alike in all the tools that ask a person: listed nowhere (see Result.unlisted).
_SHARED = ("expires_at", "digest", "summary", "cost", "outcome", "dry_run", "replayed")


class ApprovalResult(Result):
    """`pending_approval` is no error: a person decides at `approval_url`, until `expires_at`."""

    unlisted = Result.unlisted | set(_SHARED)

    status: Literal["ok", "error", "pending_approval", "executing", "executed"] = "ok"  # type: ignore[assignment]
    approval_id: str | None = Field(default=None, description="For get_approval_status.")
    approval_url: str | None = Field(default=None, description="Where a person decides.")
    expires_at: str | None = Field(default=None, description="Nothing happens after it.")
    digest: str | None = Field(default=None, description="SHA-256 over arguments and price.")
    summary: str | None = Field(default=None, description="What is asked for, in words.")
    cost: CostPart | None = Field(default=None, description="Absent: it costs nothing.")
    outcome: dict[str, Any] | None = Field(default=None, description="What was done, once it was.")
    dry_run: bool | None = Field(default=None, description="true: nothing was drafted.")
    replayed: bool | None = Field(default=None, description="true: of an earlier call, same key.")


ApprovalResultT = TypeVar("ApprovalResultT", bound=ApprovalResult)


def url_of(approval: Approval) -> str:
    return f"{settings.OAUTH_ISSUER}/approvals/{approval.pk}/"


def answer(approval: Approval, result: ApprovalResult, *, now: datetime | None = None) -> Answer:
    """Return the tool's answer: `result` with how the approval stands written into it.

    Raises:
        ApprovalRejected, ApprovalLapsed, ExecutionFailed: it ended without the deed.
    """
    status = approval.status_at(now or timezone.now())
    _raise_if_ended(approval, status)
    members: dict[str, Any] = {
        "status": _WORDS[status],
        "approval_id": str(approval.pk),
        "approval_url": url_of(approval),
        "expires_at": timestamp(approval.expires_at),
        "digest": approval.digest,
        "summary": approval.title,
        "cost": CostPart.of(approval.price),
        "outcome": approval.outcome,
    }
    told = type(result).model_validate({**dict(result), **members})
    facts = {"approval": _WORDS[status]}
    if status != Status.PENDING:
        text = f"{approval.title}: {_WORDS[status]}. get_approval_status tells more."
        return Answer(result=told, text=text, facts=facts, approval_id=approval.pk)
    text = (
        f"{approval.title}{_priced(approval.price)}: a person has to approve it. Give them this "
        f"link: {url_of(approval)} It waits until {timestamp(approval.expires_at)}. Then ask "
        f"get_approval_status with approval_id {approval.pk}. Nothing has been done yet."
    )
    prompt = Prompt(
        message=f"{approval.title}{_priced(approval.price)}. Open the portal to approve or reject.",
        url=url_of(approval),
    )
    return Answer(result=told, text=text, facts=facts, approval_id=approval.pk, prompt=prompt)


def find(tenant: Tenant, *, artifact_id: uuid.UUID, action: str) -> Approval | None:
    """The newest approval about that artifact in the tenant."""
    found = Approval.objects.for_tenant(tenant).filter(artifact_id=artifact_id, action=action)
    return found.order_by("-id").first()


def resume(tool: Tool, context: Context, approval_id: str) -> Answer:
    """How an approval stands that an earlier round of this call asked for.

    The client's word that the person opened the link is not authority: only the state counts.

    Raises:
        NotFound: no such approval of this call's tenant.
    """
    approvals = Approval.objects.for_tenant(context.principal.tenant)
    approval = approvals.filter(pk=uuid.UUID(approval_id)).first()
    if approval is None or not issubclass(tool.result, ApprovalResult):
        raise NotFound("There is no such approval. Call the tool anew.")
    return answer(approval, tool.result())


_WORDS = {
    Status.PENDING: "pending_approval",
    Status.APPROVED: "executing",
    Status.EXECUTING: "executing",
    Status.EXECUTED: "executed",
}


def _raise_if_ended(approval: Approval, status: Status) -> None:
    match status:
        case Status.EXPIRED:
            raise ApprovalLapsed(f"Nobody decided in time on “{approval.title}”. Draft it again.")
        case Status.CANCELLED:
            raise ApprovalRejected(
                f"“{approval.title}” was taken back. Ask before drafting it again."
            )
        case Status.REJECTED:
            raise ApprovalRejected(_rejection(approval))
        case Status.FAILED:
            raise failure_of(approval)


def _rejection(approval: Approval) -> str:
    decision = approval.decisions.in_order().last()
    comment = f" They wrote: {decision.comment}" if decision and decision.comment else ""
    return (
        f"A person rejected “{approval.title}”.{comment} Don't draft the same again; ask what to"
        " change."
    )


def failure_of(approval: Approval) -> ExecutionFailed:
    """Why an approved deed was not done, as an error with its own code."""
    outcome = approval.outcome or {}
    error = ExecutionFailed(str(outcome.get("message") or "It could not be done."))
    error.code = approval.error_code
    return error


def _priced(quote: Quote | None) -> str:
    if quote is None or not (quote.once or quote.monthly):
        return ""
    once = Money(amount=quote.once, currency=quote.currency)
    monthly = Money(amount=quote.monthly, currency=quote.currency)
    parts = [f"{once} once"] if quote.once else []
    parts += [f"{monthly} a month"] if quote.monthly else []
    return f" ({' and '.join(parts)})"
