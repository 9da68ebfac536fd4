from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from cliqtel_portal import phone
from cliqtel_portal.countries import country_name
from cliqtel_portal.numbers import services
from mcp_access.tools.annotations import READ
from mcp_access.tools.fields import (
    Capability,
    Country,
    Cursor,
    Limit,
    MoneyPart,
    NumberType,
    another_list,
    decode_cursor,
    encode_cursor,
    timestamp,
)
from mcp_access.tools.tool import Answer, Arguments, Context, Part, Result, tool


class SearchNumbersArguments(Arguments):
    country: Country
    number_type: NumberType | None = Field(default=None, description="Only this type.")
    capabilities: list[Capability] = Field(
        default_factory=list, max_length=5, description="All of these."
    )
    area: str | None = Field(
        default=None,
        min_length=1,
        max_length=80,
        description="City or area code: Amsterdam, 020.",
    )
    contains: str | None = Field(
        default=None, min_length=1, max_length=20, description="Digits anywhere."
    )
    starts_with: str | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        description="First digits: 02079 or +4420.",
    )
    ends_with: str | None = Field(
        default=None, min_length=1, max_length=20, description="Last digits."
    )
    quantity: int | None = Field(default=None, ge=1, le=100, description="How many are needed.")
    consecutive: bool = Field(
        default=False,
        description="Blocks of quantity numbers in a row.",
    )
    max_monthly: float | None = Field(
        default=None,
        ge=0,
        le=100_000,
        allow_inf_nan=False,
        description="Highest monthly price.",
    )
    without_requirements: bool = Field(
        default=False, description="Only without documents or address."
    )
    cursor: Cursor | None = None
    limit: Limit = 20


class FoundNumberPart(Part):
    number: str
    display: str
    country: str
    type: NumberType
    area: str | None = None
    area_code: str | None = Field(default=None, description="Without the leading 0.")
    capabilities: list[Capability]
    setup: MoneyPart
    monthly: MoneyPart
    offer_id: str = Field(description="Locks this price until offer_expires_at; order with it.")
    offer_expires_at: str
    requirements_summary: str
    reservable: bool = Field(description="false: this account holds it already.")
    block: int | None = Field(default=None, description="Which block, where consecutive.")
    is_demo: bool | None = Field(default=None, description="true: made up, can't be called.")


class WhyEmptyPart(Part):
    filter: str = Field(description="Argument to relax; `all` or `country` if no single one.")
    count: int = Field(description="What there would be (with consecutive: where blocks start).")
    hint: str


class SearchNumbersResult(Result):
    numbers: list[FoundNumberPart] = Field(default_factory=list)
    why_empty: list[WhyEmptyPart] = Field(
        default_factory=list, description="Only where nothing was found."
    )
    next_cursor: str | None = Field(default=None, description="Absent on the last page.")


@tool(title="Search numbers", scope="mcp.inventory.read", hints=READ)
def search_numbers(context: Context, arguments: SearchNumbersArguments) -> Answer:
    """Search telephone numbers that can be bought in a country, with their prices.

    Each has setup and monthly price without VAT, an offer_id that locks the price for 15 minutes,
    and what the regulator asks for. why_empty names the filter to relax. Nothing is held:
    reserve_number holds a number, draft_order_number orders it for approval.
    """
    page = services.search_stock(
        context.principal.tenant,
        services.StockFilters(
            country=arguments.country,
            number_type=arguments.number_type,
            capabilities=tuple(arguments.capabilities),
            area=arguments.area,
            contains=arguments.contains,
            starts_with=arguments.starts_with,
            ends_with=arguments.ends_with,
            quantity=arguments.quantity,
            consecutive=arguments.consecutive,
            max_monthly=_decimal(arguments.max_monthly),
            without_requirements=arguments.without_requirements,
        ),
        limit=arguments.limit,
        after=_after(arguments.cursor),
    )
    return Answer(
        result=SearchNumbersResult(
            numbers=[_number(found) for found in page.numbers],
            why_empty=[
                WhyEmptyPart(filter=why.filter, count=why.count, hint=why.hint)
                for why in page.why_empty
            ],
            next_cursor=None if page.next_after is None else encode_cursor(str(page.next_after)),
        ),
        text=_text(page, arguments),
        facts={"count": len(page.numbers), "has_more": page.next_after is not None},
    )


def _decimal(amount: float | None) -> Decimal | None:
    # By way of its text: Decimal(1.1) is 1.100000000000000088…
    return None if amount is None else Decimal(str(amount))


def _after(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    (digits,) = decode_cursor(cursor, 1)
    if not phone.E164.fullmatch(f"+{digits}"):
        raise another_list()
    return int(digits)


def _number(found: services.FoundNumber) -> FoundNumberPart:
    return FoundNumberPart(
        number=found.e164,
        display=phone.display(found.e164),
        country=found.country,
        type=found.number_type,
        area=found.area or None,
        area_code=found.area_code or None,
        capabilities=list(found.capabilities),
        setup=MoneyPart.of(found.setup),
        monthly=MoneyPart.of(found.monthly),
        offer_id=str(found.offer_id),
        offer_expires_at=timestamp(found.offer_expires_at) or "",
        requirements_summary=_summary(found.requirements),
        reservable=found.reservable,
        block=found.block,
        is_demo=found.is_demo or None,
    )


def _summary(requirements: tuple[str, ...]) -> str:
    if not requirements:
        return "None."
    return f"{len(requirements)} needed: {'; '.join(requirements)}."


def _text(page: services.StockPage, arguments: SearchNumbersArguments) -> str:
    country = country_name(arguments.country)
    if page.why_empty:
        return f"Found no such number in {country}. {page.why_empty[0].hint}"
    count = len(page.numbers)
    text = f"Found {count} {'number' if count == 1 else 'numbers'} in {country}"
    if arguments.consecutive and count:
        blocks = page.numbers[-1].block or 0
        text += f", {blocks} {'block' if blocks == 1 else 'blocks'} of {arguments.quantity}"
    elif arguments.quantity is not None and count < arguments.quantity and not arguments.cursor:
        text += f", fewer than the {arguments.quantity} asked for"
    return f"{text}; more with next_cursor." if page.next_after is not None else f"{text}."
