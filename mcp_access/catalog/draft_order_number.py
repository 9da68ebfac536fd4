from __future__ import annotations

from pydantic import Field

from cliqtel_portal.deeds import purchase_number as deed
from mcp_access.tools.annotations import DRAFT
from mcp_access.tools.approval import answer
from mcp_access.tools.fields import IdempotencyKey, Reason
from mcp_access.tools.ordering import Numbers, OfferIds, OrderResult, TrunkId, fill, with_problems
from mcp_access.tools.tool import Answer, Arguments, Context, tool


class DraftOrderNumberArguments(Arguments):
    numbers: Numbers = Field(default_factory=list)
    offer_ids: OfferIds = Field(default_factory=list)
    assign_to_trunk_id: TrunkId | None = None
    reason: Reason | None = None
    idempotency_key: IdempotencyKey | None = None


class DraftOrderNumberResult(OrderResult):
    pass


@tool(
    title="Draft a number order",
    scope="mcp.orders.draft",
    hints=DRAFT,
    failures=("not_found", "number_unavailable", "holding_limit"),
)
def draft_order_number(context: Context, arguments: DraftOrderNumberArguments) -> Answer:
    """Order 1 to 50 numbers found with search_numbers, once a person approves at approval_url.

    They are held until held_until; offer_ids keep the prices of the search. problems (documents,
    balance) have to be mended before it can be approved.
    """
    drafted = deed.draft_order(
        context.requester,
        numbers=arguments.numbers,
        offer_ids=arguments.offer_ids,
        trunk_id=arguments.assign_to_trunk_id,
        reason_text=arguments.reason or "",
    )
    if drafted.approval is None:
        raise LookupError("only a dry run has no approval")
    result = fill(DraftOrderNumberResult, drafted)
    return with_problems(answer(drafted.approval, result), drafted.draft.problems)
