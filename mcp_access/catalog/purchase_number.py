from __future__ import annotations

import uuid

from pydantic import Field

from approvals.models import Approval
from cliqtel_portal.deeds import purchase_number as deed
from cliqtel_portal.errors import InvalidArguments, NotFound, Problem
from mcp_access.tools.annotations import PRIVILEGED
from mcp_access.tools.approval import answer, find
from mcp_access.tools.fields import DryRun, IdempotencyKey, Reason
from mcp_access.tools.ordering import (
    Numbers,
    OfferIds,
    OrderedNumberPart,
    OrderResult,
    TrunkId,
    dry_answer,
    fill,
    problem_parts,
    with_problems,
)
from mcp_access.tools.tool import Answer, Arguments, Context, tool


class PurchaseNumberArguments(Arguments):
    order_id: uuid.UUID | None = Field(
        default=None, description="Of draft_order_number; or give numbers."
    )
    numbers: Numbers = Field(default_factory=list)
    offer_ids: OfferIds = Field(default_factory=list)
    assign_to_trunk_id: TrunkId | None = None
    reason: Reason | None = None
    idempotency_key: IdempotencyKey
    dry_run: DryRun = False


class PurchaseNumberResult(OrderResult):
    pass


@tool(
    title="Purchase numbers",
    scope="mcp.numbers.purchase",
    hints=PRIVILEGED,
    failures=("not_found", "number_unavailable", "holding_limit"),
)
def purchase_number(context: Context, arguments: PurchaseNumberArguments) -> Answer:
    """Buy 1 to 50 numbers: a person approves, and approving is what buys.

    With order_id: how that draft stands and what was bought (provisioning: the carrier is still
    at work). Else it drafts the order itself.
    """
    if arguments.order_id is not None:
        return _of_draft(context, arguments, arguments.order_id)
    drafted = deed.draft_order(
        context.requester,
        numbers=arguments.numbers,
        offer_ids=arguments.offer_ids,
        trunk_id=arguments.assign_to_trunk_id,
        reason_text=arguments.reason or "",
        dry_run=arguments.dry_run,
    )
    result = fill(PurchaseNumberResult, drafted)
    if drafted.approval is None:
        return dry_answer(result)
    return with_problems(answer(drafted.approval, result), drafted.draft.problems)


def _of_draft(context: Context, arguments: PurchaseNumberArguments, order_id: uuid.UUID) -> Answer:
    others = ("numbers", "offer_ids", "assign_to_trunk_id")
    given = [name for name in others if getattr(arguments, name)]
    if given:
        raise InvalidArguments(
            "With order_id nothing else about the order can be said. Leave the rest out.",
            problems=[Problem(field=name, message="The draft has its own.") for name in given],
        )
    tenant = context.principal.tenant
    approval = find(tenant, artifact_id=order_id, action=deed.ACTION)
    if approval is None:
        raise NotFound("There is no such order in this account. Draft one first.")
    problems = deed.problems_of(approval)
    result = PurchaseNumberResult(
        order_id=str(order_id),
        numbers=[
            OrderedNumberPart.of(e164, price) for e164, price in deed.prices_of(approval).items()
        ],
        problems=problem_parts(problems),
    )
    if arguments.dry_run:
        return _dry_of_draft(approval, result)
    return with_problems(answer(approval, result), problems)


def _dry_of_draft(approval: Approval, result: PurchaseNumberResult) -> Answer:
    checked = result.model_copy(update={"dry_run": True, "approval_id": str(approval.pk)})
    found = len(result.problems)
    text = f"{approval.title}: checked only, {found} problems. get_approval_status tells the rest."
    return Answer(result=checked, text=text, facts={"dry_run": True, "problems": found})
