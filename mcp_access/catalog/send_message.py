from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from cliqtel_portal.deeds.send_message import plan_send_message, send_or_draft
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.messaging.services import Prepared, daily_allowance
from mcp_access.tools.annotations import REACHES_OUT
from mcp_access.tools.approval import ApprovalResult, CostPart, answer
from mcp_access.tools.fields import DryRun, IdempotencyKey, Reason
from mcp_access.tools.tool import Answer, Arguments, Context, Part, tool


class SendMessageArguments(Arguments):
    from_number: str = Field(max_length=40, description="Own number, E.164.")
    to: list[str] = Field(min_length=1, max_length=500, description="Receivers, E.164.")
    channel: Literal["sms", "whatsapp"] = Field(default="sms", description="Default sms.")
    text: str = Field(default="", max_length=4096, description="Or template.")
    template: str = Field(
        default="",
        max_length=60,
        description="Approved template; WhatsApp needs one unless they wrote within 24 h.",
    )
    variables: dict[str, str] | None = Field(default=None, description="The template's.")
    reason: Reason | None = None
    idempotency_key: IdempotencyKey
    dry_run: DryRun = False


class ExcludedPart(Part):
    number: str
    reason: Literal["duplicate", "opted_out"]


class SendMessageResult(ApprovalResult):
    """`sent`: queued at once, within the day's limit."""

    status: Literal["ok", "error", "pending_approval", "executing", "executed", "sent"] = "ok"  # type: ignore[assignment]
    messages: int | None = None
    encoding: str | None = None
    segments: int | None = None
    excluded: list[ExcludedPart] | None = None
    needs_approval: bool | None = None


@tool(
    title="Send message",
    scope="mcp.messaging.send",
    hints=REACHES_OUT,
    failures=("not_found", "balance_too_low"),
)
def send_message(context: Context, arguments: SendMessageArguments) -> Answer:
    """Send an SMS or WhatsApp message from one of the account's numbers.

    Within the daily limit it goes at once (status sent); beyond it a person approves it first.
    Receivers who said STOP are excluded. dry_run tells cost and segments.
    """
    wanted: dict[str, Any] = {
        "from_number": arguments.from_number,
        "to": arguments.to,
        "channel": Channel(arguments.channel),
        "text": arguments.text,
        "template": arguments.template,
        "variables": arguments.variables,
    }
    if arguments.dry_run:
        prepared, needs_approval = plan_send_message(context.requester, **wanted)
        then = "a person would have to approve it" if needs_approval else "it would go at once"
        return Answer(
            result=_result(prepared, dry_run=True, needs_approval=needs_approval),
            text=f"All checks passed: {_words(prepared)}, and {then}. Nothing was sent.",
            facts={**_facts(prepared), "dry_run": True},
        )
    sending = send_or_draft(context.requester, reason_text=arguments.reason or "", **wanted)
    prepared = sending.prepared
    if sending.approval is not None:
        asked = answer(sending.approval, _result(prepared))
        return replace(asked, facts={**asked.facts, **_facts(prepared)})
    left = daily_allowance(context.principal.tenant).messages_left
    return Answer(
        result=_result(prepared, status="sent"),
        text=f"Sent: {_words(prepared)}. {left} more may be sent today without approval.",
        facts=_facts(prepared),
    )


def _result(prepared: Prepared, **members: object) -> SendMessageResult:
    return SendMessageResult.model_validate(
        {
            "messages": len(prepared.recipients),
            "encoding": prepared.shape.encoding.value,
            "segments": prepared.shape.segments,
            "excluded": [
                ExcludedPart(number=one.number, reason=one.reason) for one in prepared.excluded
            ],
            "cost": CostPart(
                once=prepared.cost.plain, monthly="0.00", currency=prepared.cost.currency
            ),
            **members,
        }
    )


def _words(prepared: Prepared) -> str:
    count, segments = len(prepared.recipients), prepared.shape.segments
    words = f"{count} {prepared.channel.label} message{'s' if count > 1 else ''}"
    if segments > 1:
        words += f" of {segments} segments"
    if prepared.excluded:
        words += f", {len(prepared.excluded)} excluded"
    return f"{words}, for {prepared.cost}"


def _facts(prepared: Prepared) -> dict[str, object]:
    return {
        "channel": prepared.channel.value,
        "messages": len(prepared.recipients),
        "excluded": len(prepared.excluded),
        "segments": prepared.shape.segments,
    }
