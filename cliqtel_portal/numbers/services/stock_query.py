"""What a search of the stock means in SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import Lead

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.errors import InvalidArguments, Problem
from cliqtel_portal.numbers import patterns
from cliqtel_portal.numbers.models import StockNumber
from cliqtel_portal.numbers.querysets import StockNumberQuerySet
from cliqtel_portal.pricing.services import NumberPrice


@dataclass(frozen=True, kw_only=True)
class StockFilters:
    """What is asked for. With `consecutive`, patterns are about the first number of a block."""

    country: str
    number_type: str | None = None
    capabilities: tuple[str, ...] = ()
    area: str | None = None
    contains: str | None = None
    starts_with: str | None = None
    ends_with: str | None = None
    quantity: int | None = None
    consecutive: bool = False
    max_monthly: Decimal | None = None
    without_requirements: bool = False

    def check(self) -> None:
        """Raises InvalidArguments with every problem."""
        problems = []
        for field, pattern in _PATTERNS.items():
            text = getattr(self, field)
            if text is not None:
                try:
                    pattern(text, self.country)
                except patterns.NotAPattern as error:
                    problems.append(Problem(field=field, message=str(error)))
        if self.consecutive and self.quantity is None:
            problems.append(
                Problem(field="quantity", message="With consecutive, say how many are needed.")
            )
        if problems:
            raise InvalidArguments("The search is not clear. Correct it.", problems=problems)


_PATTERNS: dict[str, Callable[[str, str], Q]] = {
    "contains": patterns.contains,
    "starts_with": patterns.starts_with,
    "ends_with": patterns.ends_with,
}


@dataclass(frozen=True, kw_only=True)
class StockQuery:
    """What all queries of one search share. `prices`: those of the country, by number type."""

    tenant: Tenant
    prices: Mapping[str, NumberPrice]
    at: datetime

    def matching(self, filters: StockFilters) -> StockNumberQuerySet:
        """What every number has to meet, alone or in a block. What has no price is not sold."""
        types = [
            number_type
            for number_type, price in self.prices.items()
            if filters.number_type in {None, number_type}
            and (filters.max_monthly is None or price.monthly.amount <= filters.max_monthly)
        ]
        found = StockNumber.objects.obtainable_by(self.tenant, self.at).filter(
            country=filters.country, number_type__in=types
        )
        if filters.capabilities:
            found = found.filter(capabilities__contains=list(filters.capabilities))
        if filters.area:
            found = found.filter(patterns.area(filters.area, filters.country))
        if filters.without_requirements:
            found = found.filter(requires_documents=False)
        return found

    def results(self, filters: StockFilters) -> StockNumberQuerySet:
        """Single numbers, or the first number of every possible block."""
        found = self.matching(filters)
        if filters.consecutive and filters.quantity is not None and filters.quantity > 1:
            found = StockNumber.objects.filter(pk__in=_starts(found, filters.quantity))
        return found.filter(_pattern(filters))


def _pattern(filters: StockFilters) -> Q:
    condition = Q()
    for field, pattern in _PATTERNS.items():
        text = getattr(filters, field)
        if text is not None:
            condition &= pattern(text, filters.country)
    return condition


def _starts(found: StockNumberQuerySet, quantity: int) -> QuerySet[StockNumber, Any]:
    """Ids of numbers that a run of `quantity` starts with.

    No two numbers are equal, so a number that stands `quantity - 1` rows further on and is just
    that much higher proves that none between is missing.
    """
    last = Window(
        Lead("digits", offset=quantity - 1),
        partition_by=[F("number_type")],
        order_by=F("digits").asc(),
    )
    return found.annotate(last=last).filter(last=F("digits") + quantity - 1).values("pk")
