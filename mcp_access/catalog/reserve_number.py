from __future__ import annotations

from pydantic import Field

from cliqtel_portal import phone
from cliqtel_portal.deeds.given_numbers import e164_of
from cliqtel_portal.numbers import services
from mcp_access.tools.annotations import DRAFT
from mcp_access.tools.fields import IdempotencyKey, timestamp
from mcp_access.tools.tool import Answer, Arguments, Context, Result, tool


class ReserveNumberArguments(Arguments):
    number: str = Field(max_length=40, description="E.164, as search_numbers gives it.")
    ttl_minutes: int = Field(default=15, ge=5, le=30, description="5 to 30.")
    idempotency_key: IdempotencyKey | None = None


class ReserveNumberResult(Result):
    reservation_id: str | None = None
    number: str | None = None
    expires_at: str | None = None
    # A drafted order of the account holds it, for longer.
    order_id: str | None = None
    replayed: bool | None = None


@tool(
    title="Reserve number",
    scope="mcp.orders.draft",
    hints=DRAFT,
    failures=("number_unavailable", "holding_limit"),
)
def reserve_number(context: Context, arguments: ReserveNumberArguments) -> Answer:
    """Hold a number for some minutes, so that nobody else drafts or buys it.

    It is free and needs no approval. At most 10 at a time; again it is prolonged; an order
    drafted for it takes the hold over.
    """
    held = services.reserve_number(
        context.principal.tenant,
        e164=e164_of(arguments.number),
        ttl_minutes=arguments.ttl_minutes,
    )
    until = timestamp(held.expires_at)
    return Answer(
        result=ReserveNumberResult(
            reservation_id=str(held.pk),
            number=held.stock_number.e164,
            expires_at=until,
            order_id=str(held.order_id) if held.order_id else None,
        ),
        text=f"{phone.display(held.stock_number.e164)} is held until {until}. "
        "draft_order_number orders it.",
        facts={"in_order": held.order_id is not None},
    )
