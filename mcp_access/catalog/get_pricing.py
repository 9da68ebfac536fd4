from __future__ import annotations

from pydantic import Field

from cliqtel_portal.countries import country_name
from cliqtel_portal.money import Money
from cliqtel_portal.pricing import services
from mcp_access.tools.annotations import READ
from mcp_access.tools.fields import (
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


class GetPricingArguments(Arguments):
    country: Country | None = None
    number_type: NumberType | None = Field(
        default=None, description="With country: its price. Alone: where it is sold."
    )
    cursor: Cursor | None = None
    limit: Limit = 20


class CoveragePart(Part):
    country: str
    name: str
    types: list[NumberType]
    from_price: MoneyPart = Field(description="Lowest monthly price among the types.")


class ProductPart(Part):
    tier: str
    title: str
    calls_per_month: int | None = Field(default=None, description="Absent: unlimited.")
    stops_at_limit: bool = Field(description="false: calls beyond the month are charged.")
    burst_per_minute: int
    connections: int | None = Field(
        default=None, description="AI hosts attached at once. Absent: unlimited."
    )
    overage_price: MoneyPart | None = Field(default=None, description="Of a call over the month.")


class GetPricingResult(Result):
    country: str | None = None
    country_name: str | None = None
    type: NumberType | None = None
    setup: MoneyPart | None = Field(default=None, description="Once.")
    monthly: MoneyPart | None = None
    per_minute_in: MoneyPart | None = None
    per_minute_out: MoneyPart | None = Field(
        default=None, description="To fixed numbers of the same country."
    )
    sms_in: MoneyPart | None = Field(default=None, description="Absent: carries no SMS.")
    sms_out: MoneyPart | None = Field(default=None, description="A segment. Absent: no SMS.")
    currency: str | None = None
    effective_at: str | None = None
    valid_until: str | None = Field(default=None, description="Absent: until further notice.")
    tier_overage_price: MoneyPart | None = Field(
        default=None, description="Of a tool call beyond the month's calls, tier Automate."
    )
    vat_note: str | None = None
    coverage: list[CoveragePart] = Field(
        default_factory=list, description="Unless country and number_type are both given."
    )
    products: list[ProductPart] = Field(
        default_factory=list, description="Tiers of AI access; with coverage."
    )
    next_cursor: str | None = Field(default=None, description="Absent on the last page.")


@tool(title="Get pricing", scope="mcp.pricing.read", hints=READ)
def get_pricing(context: Context, arguments: GetPricingArguments) -> Answer:
    """Tell what numbers cost and where they are sold.

    With country and number_type: setup, monthly, per minute and per SMS, without VAT. Otherwise
    coverage (countries, types, lowest price) and products, the tiers of AI access. Single numbers
    to order come from search_numbers.
    """
    if arguments.country is not None and arguments.number_type is not None:
        return _price(context, arguments.country, arguments.number_type)
    return _coverage(context, arguments)


def _price(context: Context, country: str, number_type: str) -> Answer:
    price = services.current_price(
        context.principal.tenant, country=country, number_type=number_type
    )
    name = country_name(country)
    return Answer(
        result=GetPricingResult(
            country=country,
            country_name=name,
            type=price.number_type,
            setup=MoneyPart.of(price.setup),
            monthly=MoneyPart.of(price.monthly),
            per_minute_in=MoneyPart.of(price.per_minute_in),
            per_minute_out=MoneyPart.of(price.per_minute_out),
            sms_in=_money(price.sms_in),
            sms_out=_money(price.sms_out),
            currency=price.monthly.currency,
            effective_at=timestamp(price.effective_at),
            valid_until=timestamp(price.valid_until),
            tier_overage_price=_money(_overage()),
            vat_note=services.VAT_NOTE,
        ),
        text=(
            f"A {number_type.replace('_', '-')} number in {name} costs {price.setup} once and "
            f"{price.monthly} a month, without VAT."
        ),
        facts={"country": country, "number_type": number_type},
    )


def _coverage(context: Context, arguments: GetPricingArguments) -> Answer:
    page = services.coverage(
        context.principal.tenant,
        country=arguments.country,
        number_type=arguments.number_type,
        limit=arguments.limit,
        after=_after(arguments.cursor),
    )
    count = len(page.countries)
    text = f"Numbers in {count} {'country' if count == 1 else 'countries'}"
    return Answer(
        result=GetPricingResult(
            tier_overage_price=_money(_overage()),
            vat_note=services.VAT_NOTE,
            coverage=[
                CoveragePart(
                    country=row.country,
                    name=row.name,
                    types=list(row.number_types),
                    from_price=MoneyPart.of(row.from_monthly),
                )
                for row in page.countries
            ],
            products=[
                ProductPart(
                    tier=product.tier,
                    title=product.title,
                    calls_per_month=product.calls_per_month,
                    stops_at_limit=product.stops_at_limit,
                    burst_per_minute=product.burst_per_minute,
                    connections=product.connections,
                    overage_price=_money(product.overage),
                )
                for product in services.tier_products()
            ],
            next_cursor=None if page.next_after is None else encode_cursor(page.next_after),
        ),
        text=f"{text}; more with next_cursor." if page.next_after is not None else f"{text}.",
        facts={"count": count, "has_more": page.next_after is not None},
    )


def _overage() -> Money | None:
    return next((one.overage for one in services.tier_products() if one.overage is not None), None)


def _money(money: Money | None) -> MoneyPart | None:
    return None if money is None else MoneyPart.of(money)


def _after(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    (country,) = decode_cursor(cursor, 1)
    if len(country) != 2 or not country.isascii():
        raise another_list()
    return country
