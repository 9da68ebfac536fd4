from __future__ import annotations

import uuid

from pydantic import Field

from cliqtel_portal.callflows.diff import describe
from cliqtel_portal.callflows.drafts import Draft, check_publishable, draft_of
from cliqtel_portal.deeds import update_route as deed
from cliqtel_portal.errors import InvalidArguments, NotFound, Problem
from mcp_access.tools.annotations import PRIVILEGED
from mcp_access.tools.approval import ApprovalResult, answer, find
from mcp_access.tools.fields import DryRun, IdempotencyKey, Reason
from mcp_access.tools.tool import Answer, Arguments, Context, tool

_MAX_SENTENCES, _MAX_NUMBERS = 50, 50


class UpdateRouteArguments(Arguments):
    change_id: uuid.UUID | None = Field(
        default=None, description="Of draft_call_flow_change; alone."
    )
    call_flow_id: uuid.UUID | None = Field(default=None, description="With revision.")
    revision: int | None = Field(default=None, ge=1, description="To publish or roll back to.")
    reason: Reason | None = None
    idempotency_key: IdempotencyKey
    dry_run: DryRun = False


class UpdateRouteResult(ApprovalResult):
    call_flow_id: str | None = None
    change_id: str | None = None
    # The new one, once it is published.
    revision: int | None = None
    # Roll back to it to undo.
    previous_revision: int | None = None
    changes: list[str] = Field(default_factory=list)
    numbers: list[str] = Field(default_factory=list)


@tool(
    title="Update route",
    scope="mcp.routing.write",
    hints=PRIVILEGED,
    failures=("not_found", "stale_base"),
)
def update_route(context: Context, arguments: UpdateRouteArguments) -> Answer:
    """Tell how a drafted change stands, or ask a person to publish or roll back to a revision.

    Approving a draft publishes it: nothing runs twice. To undo, roll back to previous_revision.
    """
    if arguments.change_id is not None:
        return _of_change(context, arguments, arguments.change_id)
    if arguments.call_flow_id is None or arguments.revision is None:
        raise _unclear()
    if arguments.dry_run:
        planned = deed.plan_publication(
            context.requester, call_flow_id=arguments.call_flow_id, revision=arguments.revision
        )
        return _checked(_result(planned).model_copy(update={"change_id": None}))
    asked = deed.draft_publication(
        context.requester,
        call_flow_id=arguments.call_flow_id,
        revision=arguments.revision,
        reason_text=arguments.reason or "",
    )
    return answer(asked.approval, _result(asked.draft))


def _of_change(context: Context, arguments: UpdateRouteArguments, change_id: uuid.UUID) -> Answer:
    if arguments.call_flow_id is not None or arguments.revision is not None:
        raise _unclear()
    tenant = context.principal.tenant
    approval = find(tenant, artifact_id=change_id, action=deed.ACTION)
    if approval is None:
        raise NotFound("There is no such change in this account. Draft it anew.")
    draft = draft_of(tenant, change_id=change_id)
    if arguments.dry_run:
        if draft.change.revision is None:
            check_publishable(draft)
        return _checked(_result(draft))
    return answer(approval, _result(draft))


def _checked(result: UpdateRouteResult) -> Answer:
    return Answer(
        result=result.model_copy(update={"dry_run": True}),
        text="All checks passed: nothing was changed, and nobody was asked.",
        facts={"dry_run": True},
    )


def _result(draft: Draft) -> UpdateRouteResult:
    change = draft.change
    previous = change.previous_revision if change.revision else draft.flow.active_revision
    return UpdateRouteResult(
        call_flow_id=str(draft.flow.pk),
        change_id=str(change.pk),
        revision=change.revision.number if change.revision else None,
        previous_revision=previous.number if previous else None,
        changes=describe(draft.changes)[:_MAX_SENTENCES],
        numbers=list(draft.numbers[:_MAX_NUMBERS]),
    )


def _unclear() -> InvalidArguments:
    message = "Give either change_id, or call_flow_id and revision."
    return InvalidArguments(message, problems=[Problem(field="change_id", message=message)])
