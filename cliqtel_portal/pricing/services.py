"""Prices in force, where we have numbers, and the tiers of AI access."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.countries import country_name
from cliqtel_portal.errors import NotFound
from cliqtel_portal.money import Money
from cliqtel_portal.pricing.models import Price

# The list is complete in this currency only; others hold what was agreed in them.
LIST_CURRENCY = "EUR"

VAT_NOTE = (
    "Prices exclude VAT. Dutch VAT is added on invoices to the Netherlands; elsewhere in the EU "
    "it is reverse-charged with a valid VAT number; outside the EU none is charged."
)


@dataclass(frozen=True, kw_only=True)
class NumberPrice:
    """What one number of a kind costs. `sms_in` / `sms_out` are None where it carries no SMS."""

    price_id: uuid.UUID
    country: str
    number_type: str
    setup: Money
    monthly: Money
    per_minute_in: Money
    per_minute_out: Money
    sms_in: Money | None
    sms_out: Money | None
    effective_at: datetime
    valid_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class CountryCoverage:
    country: str
    name: str
    number_types: tuple[str, ...]
    from_monthly: Money


@dataclass(frozen=True, kw_only=True)
class CoveragePage:
    countries: tuple[CountryCoverage, ...]
    # The country to start after on the next page.
    next_after: str | None


@dataclass(frozen=True, kw_only=True)
class TierProduct:
    """A tier of AI access. None is unlimited; `overage` is the price of a call over the month."""

    tier: str
    title: str
    calls_per_month: int | None
    stops_at_limit: bool
    burst_per_minute: int
    connections: int | None
    overage: Money | None


def current_prices(
    tenant: Tenant, pairs: Collection[tuple[str, str]], *, at: datetime | None = None
) -> Mapping[tuple[str, str], NumberPrice]:
    """Prices in force for many (country, number type), in one query; missing ones are left out.

    In the tenant's currency where the list has it, else in the list's own.
    """
    if not pairs:
        return {}
    wanted = Q()
    for country, number_type in sorted(set(pairs)):
        wanted |= Q(country=country, number_type=number_type)
    return {
        (row.country, row.number_type): _price(row)
        for row in Price.objects.filter(wanted)
        .current(at or timezone.now())
        .preferring(tenant.currency, LIST_CURRENCY)
    }


def prices_of_country(
    tenant: Tenant, country: str, *, at: datetime | None = None
) -> Mapping[str, NumberPrice]:
    """Prices in force in a country by number type, in one query."""
    return {
        row.number_type: _price(row)
        for row in Price.objects.filter(country=country)
        .current(at or timezone.now())
        .preferring(tenant.currency, LIST_CURRENCY)
    }


def current_price(
    tenant: Tenant, *, country: str, number_type: str, at: datetime | None = None
) -> NumberPrice:
    """The price in force.

    Raises:
        NotFound: we don't sell that type there.
    """
    price = current_prices(tenant, [(country, number_type)], at=at).get((country, number_type))
    if price is None:
        raise NotFound(
            f"We have no {number_type.replace('_', '-')} numbers in {country_name(country)}. "
            "Call get_pricing without number_type to see what is covered."
        )
    return price


def coverage(
    tenant: Tenant,
    *,
    country: str | None = None,
    number_type: str | None = None,
    limit: int,
    after: str | None = None,
    at: datetime | None = None,
) -> CoveragePage:
    """Countries in the order of their codes with what is sold there; two queries."""
    listed = Price.objects.current(at or timezone.now()).filter(
        currency__in={tenant.currency, LIST_CURRENCY}
    )
    if country is not None:
        listed = listed.filter(country=country)
    if number_type is not None:
        listed = listed.filter(number_type=number_type)
    page = listed if after is None else listed.filter(country__gt=after)
    codes = list(page.order_by("country").values_list("country", flat=True).distinct()[: limit + 1])
    shown = codes[:limit]
    rows = listed.filter(country__in=shown).preferring(tenant.currency, LIST_CURRENCY)
    return CoveragePage(
        countries=tuple(
            _coverage(code, list(prices)) for code, prices in groupby(rows, lambda r: r.country)
        ),
        next_after=shown[-1] if len(codes) > limit else None,
    )


def tier_products() -> tuple[TierProduct, ...]:
    """The tiers of AI access as they are sold, from the policy page."""
    return tuple(
        TierProduct(
            tier=tier,
            title=policy["title"],
            calls_per_month=policy["month"],
            stops_at_limit=policy["hard"],
            burst_per_minute=policy["burst"],
            connections=policy["connections"],
            overage=_overage(policy.get("overage_eur")),
        )
        for tier, policy in settings.MCP_TIERS.items()
    )


def _coverage(country: str, prices: list[Price]) -> CountryCoverage:
    # The tenant's currency may be there for some types only: compare like with like.
    cheapest = min(prices, key=lambda price: (price.currency == LIST_CURRENCY, price.monthly))
    return CountryCoverage(
        country=country,
        name=country_name(country),
        number_types=tuple(price.number_type for price in prices),
        from_monthly=cheapest.monthly_money,
    )


def _price(row: Price) -> NumberPrice:
    def money(amount: Decimal) -> Money:
        return Money(amount=amount, currency=row.currency)

    return NumberPrice(
        price_id=row.id,
        country=row.country,
        number_type=row.number_type,
        setup=money(row.setup),
        monthly=money(row.monthly),
        per_minute_in=money(row.per_minute_in),
        per_minute_out=money(row.per_minute_out),
        sms_in=None if row.sms_in is None else money(row.sms_in),
        sms_out=None if row.sms_out is None else money(row.sms_out),
        effective_at=row.effective_at,
        valid_until=row.valid_until,
    )


def _overage(amount_eur: str | None) -> Money | None:
    return None if amount_eur is None else Money(amount=Decimal(amount_eur), currency="EUR")
