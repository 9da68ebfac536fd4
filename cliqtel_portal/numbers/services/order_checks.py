"""What an order costs now, and what still stands in its way. Reads only."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.billing.services import balance, balance_shortage
from cliqtel_portal.countries import country_name
from cliqtel_portal.errors import NotFound, Problem
from cliqtel_portal.money import Money
from cliqtel_portal.number_types import NumberType
from cliqtel_portal.numbers.models import Offer, StockNumber
from cliqtel_portal.pricing.services import current_prices
from cliqtel_portal.regulatory.services import check_requirements


@dataclass(frozen=True, kw_only=True)
class LinePrice:
    """What one number costs."""

    setup: Money
    monthly: Money


@dataclass(frozen=True, kw_only=True)
class OrderPrice:
    """What an order costs, in one currency."""

    once: Decimal
    monthly: Decimal
    currency: str

    @classmethod
    def total(cls, prices: Iterable[LinePrice], currency: str) -> OrderPrice:
        lines = list(prices)
        nothing = Money(amount=Decimal(0), currency=currency)
        return cls(
            once=sum((line.setup for line in lines), nothing).amount,
            monthly=sum((line.monthly for line in lines), nothing).amount,
            currency=currency,
        )

    @property
    def once_money(self) -> Money:
        return Money(amount=self.once, currency=self.currency)

    @property
    def monthly_money(self) -> Money:
        return Money(amount=self.monthly, currency=self.currency)

    @property
    def first_charge(self) -> Money:
        """Set-up and the first month: what is charged at once."""
        return self.once_money + self.monthly_money


@dataclass(frozen=True, kw_only=True)
class OrderCheck:
    """One thing that was looked at: stock, requirements, balance."""

    name: str
    ok: bool
    detail: str


def prices_of(
    tenant: Tenant, stock: Sequence[StockNumber], *, at: datetime
) -> Mapping[uuid.UUID, LinePrice]:
    """Each number's price by its id: the cheapest that is promised to the tenant, else the list's.

    A number that nobody prices is left out. Two queries.
    """
    listed = current_prices(tenant, {(one.country, one.number_type) for one in stock}, at=at)
    prices = {
        number.pk: LinePrice(setup=price.setup, monthly=price.monthly)
        for number in stock
        if (price := listed.get((number.country, number.number_type))) is not None
    }
    offers = Offer.objects.for_tenant(tenant).live(at).filter(stock_number__in=stock)
    # From dear to cheap: the last one stays.
    for offer in sorted(offers, key=lambda one: (one.monthly_price, one.setup_price), reverse=True):
        prices[offer.stock_number_id] = LinePrice(
            setup=offer.setup_money, monthly=offer.monthly_money
        )
    return prices


def missing_requirements(
    tenant: Tenant, stock: Sequence[StockNumber], *, at: datetime
) -> tuple[Problem, ...]:
    """What the regulators ask for and the tenant has not shown, once for each country and type."""
    problems = []
    pairs = {(one.country, one.number_type) for one in stock if one.requires_documents}
    for country, number_type in sorted(pairs):
        try:
            rules = check_requirements(tenant, country=country, number_type=number_type, at=at)
        except NotFound:
            # Marked as asking for documents, but nobody has entered which.
            continue
        kind = NumberType(number_type).label.lower()
        problems += [
            Problem(
                field="requirements",
                message=f"{country_name(country)}, {kind}: {missing.name}. {missing.next_step}",
            )
            for missing in rules.missing
        ]
    return tuple(problems)


def money_missing(tenant: Tenant, price: OrderPrice) -> tuple[Problem, ...]:
    """One problem, where the account does not hold the first charge."""
    shortage = balance_shortage(tenant, price.first_charge)
    return (Problem(field="balance", message=shortage),) if shortage else ()


def checks_of(
    tenant: Tenant, *, count: int, price: OrderPrice, requirements: Sequence[Problem]
) -> tuple[OrderCheck, ...]:
    """The three things in the order in which a person asks."""
    shortage = balance_shortage(tenant, price.first_charge)
    return (
        OrderCheck(
            name="stock",
            ok=True,
            detail="The number can be had." if count == 1 else f"All {count} numbers can be had.",
        ),
        OrderCheck(
            name="requirements",
            ok=not requirements,
            detail=f"Missing: {len(requirements)}. It can be approved once nothing is missing."
            if requirements
            else "Nothing is missing.",
        ),
        OrderCheck(
            name="balance",
            ok=not shortage,
            detail=shortage
            or f"{price.first_charge} is charged at once; the account holds {balance(tenant)}.",
        ),
    )
