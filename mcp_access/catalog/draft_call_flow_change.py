from __future__ import annotations

import json
import uuid
from typing import Any, Literal

from pydantic import Field

from cliqtel_portal.callflows.diff import describe
from cliqtel_portal.callflows.drafts import Draft
from cliqtel_portal.callflows.operations import MAX_OPERATIONS
from cliqtel_portal.deeds import update_route
from mcp_access.tools.annotations import DRAFT
from mcp_access.tools.approval import ApprovalResult, answer
from mcp_access.tools.fields import IdempotencyKey, Reason
from mcp_access.tools.tool import Answer, Arguments, Context, Part, tool

# Of a result: past these the rest is at the approval's page.
_MAX_SENTENCES, _MAX_NUMBERS, _MAX_DIFF_CHARS = 50, 50, 20_000


class OperationArgument(Arguments):
    op: Literal["add_node", "update_node", "remove_node", "add_edge", "remove_edge", "set_entry"]
    # Lengths and all else are checked where operations are applied, which tells all at once.
    id: str
    type: str | None = None
    title: str | None = None
    config: dict[str, Any] | None = Field(
        default=None, description="update_node merges it; null resets a key."
    )
    from_: str | None = Field(default=None, alias="from")
    to: str | None = None
    on: str | None = None

    def plain(self) -> dict[str, Any]:
        # Not exclude_none: a null within config means something.
        given = self.model_dump(by_alias=True)
        return {key: value for key, value in given.items() if value is not None}


class DraftCallFlowChangeArguments(Arguments):
    call_flow_id: uuid.UUID = Field(description="From get_call_flow.")
    base_etag: str = Field(max_length=64, description="etag you read.")
    operations: list[OperationArgument] = Field(
        min_length=1,
        max_length=MAX_OPERATIONS,
        description="In order. add_node: id, type, title, config; add_edge: id, from, to, on.",
    )
    reason: Reason | None = None
    idempotency_key: IdempotencyKey | None = None


class WarningPart(Part):
    code: str
    message: str
    node_id: str | None = None


class DraftCallFlowChangeResult(ApprovalResult):
    change_id: str | None = None
    changes: list[str] = Field(default_factory=list)
    # Left out where it is long: `changes` tells it in words.
    diff: dict[str, Any] | None = None
    lint: list[WarningPart] = Field(default_factory=list)
    numbers: list[str] = Field(default_factory=list)


@tool(
    title="Draft call flow change",
    scope="mcp.callflows.draft",
    hints=DRAFT,
    failures=("not_found", "stale_base", "holding_limit"),
)
def draft_call_flow_change(context: Context, arguments: DraftCallFlowChangeArguments) -> Answer:
    """Propose a change of a call flow: a person sees the difference and decides.

    Read it with get_call_flow first. A result that would lose calls is refused with every problem;
    stale_base tells what changed since you read.
    """
    asked = update_route.draft_change(
        context.requester,
        call_flow_id=arguments.call_flow_id,
        base_etag=arguments.base_etag,
        operations=[operation.plain() for operation in arguments.operations],
        reason_text=arguments.reason or "",
    )
    return answer(asked.approval, _result(asked.draft))


def _result(draft: Draft) -> DraftCallFlowChangeResult:
    diff = draft.changes.to_dict()
    return DraftCallFlowChangeResult(
        change_id=str(draft.change.pk),
        changes=describe(draft.changes)[:_MAX_SENTENCES],
        diff=diff if len(json.dumps(diff)) <= _MAX_DIFF_CHARS else None,
        lint=[
            WarningPart(code=finding.code, message=finding.message, node_id=finding.node_id)
            for finding in draft.findings[:_MAX_SENTENCES]
        ],
        numbers=list(draft.numbers[:_MAX_NUMBERS]),
    )
