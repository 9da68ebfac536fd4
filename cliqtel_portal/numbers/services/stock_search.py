"""Search of the stock: what can be bought, at which price, and why nothing was found."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.countries import country_name
from cliqtel_portal.money import Money
from cliqtel_portal.numbers.models import Reservation, StockNumber
from cliqtel_portal.numbers.querysets import StockNumberQuerySet
from cliqtel_portal.numbers.services.offers import make_offers
from cliqtel_portal.numbers.services.stock_query import StockFilters, StockQuery
from cliqtel_portal.pricing.services import prices_of_country
from cliqtel_portal.regulatory.services import requirement_names


@dataclass(frozen=True, kw_only=True)
class FoundNumber:
    """`requirements` are names; `block` counts from 1 in a page of blocks, else it is None."""

    e164: str
    country: str
    number_type: str
    area: str
    area_code: str
    capabilities: tuple[str, ...]
    setup: Money
    monthly: Money
    offer_id: uuid.UUID
    offer_expires_at: datetime
    requirements: tuple[str, ...]
    reservable: bool
    is_demo: bool
    block: int | None


@dataclass(frozen=True, kw_only=True)
class WhyEmpty:
    """`count`: what there is without `filter`; numbers, or places where a block can start."""

    filter: str
    count: int
    hint: str


@dataclass(frozen=True, kw_only=True)
class StockPage:
    numbers: tuple[FoundNumber, ...]
    # Search on after this number (its digits); None: there is no more.
    next_after: int | None
    why_empty: tuple[WhyEmpty, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Row:
    stock: StockNumber
    held: bool
    block: int | None


def search_stock(
    tenant: Tenant,
    filters: StockFilters,
    *,
    limit: int,
    after: int | None = None,
    at: datetime | None = None,
) -> StockPage:
    """Numbers that the tenant can buy now, in ascending order, each with an offer.

    A page holds `quantity` numbers where that is given, else `limit`; with `consecutive`, as many
    whole blocks of `quantity` as fit in `limit`, at least one. What others hold is left out; the
    tenant's own holds are there, not reservable. The number of queries is constant; only a search
    without any result asks one more for each filter.

    Raises:
        InvalidArguments: a pattern has no digits; `consecutive` without `quantity`.
    """
    filters.check()
    moment = at or timezone.now()
    query = StockQuery(
        tenant=tenant, prices=prices_of_country(tenant, filters.country, at=moment), at=moment
    )
    if filters.consecutive and filters.quantity is not None:
        rows, more = _blocks(query, filters, size=filters.quantity, limit=limit, after=after)
    else:
        rows, more = _singles(query, filters, limit=filters.quantity or limit, after=after)
    if not rows:
        reasons = _why_empty(query, filters) if after is None else ()
        return StockPage(numbers=(), next_after=None, why_empty=reasons)
    return StockPage(
        numbers=_priced(query, filters.country, rows),
        next_after=rows[-1].stock.digits if more else None,
    )


def _singles(
    query: StockQuery, filters: StockFilters, *, limit: int, after: int | None
) -> tuple[list[_Row], bool]:
    found = query.results(filters)
    if after is not None:
        found = found.filter(digits__gt=after)
    rows = _rows(query, found, limit=limit + 1)
    return rows[:limit], len(rows) > limit


def _blocks(
    query: StockQuery, filters: StockFilters, *, size: int, limit: int, after: int | None
) -> tuple[list[_Row], bool]:
    """Blocks that don't overlap, from the lowest number on."""
    wanted = max(1, limit // size)
    starts = query.results(filters)
    if after is not None:
        starts = starts.filter(digits__gt=after)
    # A block overlaps with size - 1 later starts: so many more hold one block beyond the page.
    candidates = starts.order_by("digits").values_list("digits", flat=True)[: (wanted + 1) * size]
    firsts: list[int] = []
    for digits in candidates:
        if not firsts or digits >= firsts[-1] + size:
            firsts.append(digits)
    shown = firsts[:wanted]
    if not shown:
        return [], False
    ranges = Q()
    for first in shown:
        ranges |= Q(digits__range=(first, first + size - 1))
    members = _rows(query, query.matching(filters).filter(ranges), limit=wanted * size)
    rows: list[_Row] = []
    for number, first in enumerate(shown, start=1):
        block = [row for row in members if first <= row.stock.digits < first + size]
        # One of them may have been sold between the two queries.
        if len(block) == size:
            rows += [replace(row, block=number) for row in block]
    return rows, len(firsts) > wanted


def _rows(query: StockQuery, found: StockNumberQuerySet, *, limit: int) -> list[_Row]:
    own = Reservation.objects.for_tenant(query.tenant).live(query.at)
    held = own.filter(stock_number=OuterRef("pk"))
    page = found.annotate(held=Exists(held)).order_by("digits")[:limit]
    return [
        _Row(stock=stock, held=stock.held, block=None)  # type: ignore[attr-defined]  # see above
        for stock in page
    ]


def _priced(query: StockQuery, country: str, rows: list[_Row]) -> tuple[FoundNumber, ...]:
    stock = [row.stock for row in rows]
    rules = requirement_names({(country, number.number_type) for number in stock})
    offers = make_offers(
        query.tenant,
        [(number, query.prices[number.number_type]) for number in stock],
        at=query.at,
    )
    return tuple(
        FoundNumber(
            e164=row.stock.e164,
            country=country,
            number_type=row.stock.number_type,
            area=row.stock.area,
            area_code=row.stock.area_code,
            capabilities=tuple(row.stock.capabilities),
            setup=offers[row.stock.pk].setup_money,
            monthly=offers[row.stock.pk].monthly_money,
            offer_id=offers[row.stock.pk].pk,
            offer_expires_at=offers[row.stock.pk].expires_at,
            requirements=rules.get((country, row.stock.number_type), ())
            if row.stock.requires_documents
            else (),
            reservable=not row.held,
            is_demo=row.stock.is_demo,
            block=row.block,
        )
        for row in rows
    )


# What each filter is when nobody has set it, in the order in which people give way.
_UNSET: dict[str, Any] = {
    "consecutive": False,
    "contains": None,
    "starts_with": None,
    "ends_with": None,
    "area": None,
    "capabilities": (),
    "max_monthly": None,
    "without_requirements": False,
    "number_type": None,
}


def _why_empty(query: StockQuery, filters: StockFilters) -> tuple[WhyEmpty, ...]:
    """Filters that alone stand in the way; if none does, what the country has at all."""
    given = [name for name, unset in _UNSET.items() if getattr(filters, name) != unset]
    reasons = []
    for name in given:
        relaxed = replace(filters, **{name: _UNSET[name]})
        count = query.results(relaxed).count()
        if count:
            hint = f"Leave out {name}: then {_counted(count, relaxed)}."
            reasons.append(WhyEmpty(filter=name, count=count, hint=hint))
    if reasons:
        return tuple(reasons)
    bare = StockFilters(country=filters.country)
    count = query.results(bare).count() if query.prices and given else 0
    name = country_name(filters.country)
    if count:
        hint = f"No single filter is to blame: with the country alone {_counted(count, bare)}."
    elif query.prices:
        hint = f"Nothing is in stock in {name} at the moment. Try another country, or later."
    else:
        hint = f"We sell no numbers in {name}. Call get_pricing to see the countries covered."
    return (WhyEmpty(filter="country" if not count else "all", count=count, hint=hint),)


def _counted(count: int, filters: StockFilters) -> str:
    if filters.consecutive:
        return f"a block can start at {count} {'number' if count == 1 else 'numbers'}"
    return f"{count} {'number matches' if count == 1 else 'numbers match'}"
