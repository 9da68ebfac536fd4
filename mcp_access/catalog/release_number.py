from __future__ import annotations

from pydantic import Field

from cliqtel_portal.deeds.release_number import draft_release_number, plan_release_number
from cliqtel_portal.numbers.services.release import ReleasePlan
from mcp_access.tools.annotations import PRIVILEGED
from mcp_access.tools.approval import ApprovalResult, answer
from mcp_access.tools.fields import DryRun, IdempotencyKey, Reason
from mcp_access.tools.tool import Answer, Arguments, Context, tool


class ReleaseNumberArguments(Arguments):
    number: str = Field(max_length=40, description="E.164, for example +31201234567.")
    confirm_number: str = Field(max_length=40, description="The same number, typed again.")
    reason: Reason | None = None
    idempotency_key: IdempotencyKey
    dry_run: DryRun = False


class ReleaseNumberResult(ApprovalResult):
    number: str | None = None
    blockers: list[str] = Field(default_factory=list)
    quarantine_days: int | None = None


@tool(
    title="Release number",
    scope="mcp.numbers.purchase",
    hints=PRIVILEGED,
    failures=("not_found", "release_blocked"),
)
def release_number(context: Context, arguments: ReleaseNumberArguments) -> Answer:
    """Ask to give up a number for good; another person than the token's approves.

    It stops working then; an admin can bring it back during the quarantine. blockers: why it can't
    be released yet (connected, in a call flow, under contract); dry_run lists them.
    """
    if arguments.dry_run:
        planned = plan_release_number(
            context.requester, number=arguments.number, confirm_number=arguments.confirm_number
        )
        blockers = len(planned.blockers)
        passed = "All checks passed" if not blockers else f"{blockers} things stand in the way"
        return Answer(
            result=_result(planned, dry_run=True),
            text=f"{passed}: nothing was changed, and nobody was asked.",
            facts={"dry_run": True, "blockers": blockers},
        )
    planned, approval = draft_release_number(
        context.requester,
        number=arguments.number,
        confirm_number=arguments.confirm_number,
        reason_text=arguments.reason or "",
    )
    return answer(approval, _result(planned))


def _result(planned: ReleasePlan, *, dry_run: bool | None = None) -> ReleaseNumberResult:
    return ReleaseNumberResult(
        number=planned.number.e164,
        blockers=[blocker.message for blocker in planned.blockers],
        quarantine_days=planned.quarantine_days,
        dry_run=dry_run,
    )
