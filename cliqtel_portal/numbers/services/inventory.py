"""What a tenant has: numbers, where they lead, and trunks."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.errors import InvalidArguments, NotFound, Problem
from cliqtel_portal.money import Money
from cliqtel_portal.numbers import patterns
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.querysets import PhoneNumberQuerySet


@dataclass(frozen=True, kw_only=True)
class NumberFilters:
    """Released numbers are left out unless `status` asks for them."""

    country: str | None = None
    status: str | None = None
    trunk_id: uuid.UUID | None = None
    contains: str | None = None
    tag: str | None = None
    assigned_only: bool = False


@dataclass(frozen=True, kw_only=True)
class TrunkFilters:
    """`contains` is part of the name."""

    registration_state: str | None = None
    trunk_id: uuid.UUID | None = None
    contains: str | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a number leads: `kind` is trunk or call_flow."""

    kind: str
    target_id: uuid.UUID
    name: str


@dataclass(frozen=True, kw_only=True)
class InventoryNumber:
    """`flow_state` is that of its call flow, active or draft; without one, or archived: none."""

    number_id: uuid.UUID
    e164: str
    country: str
    number_type: str
    area: str
    status: str
    capabilities: tuple[str, ...]
    assigned_to: Target | None
    flow_state: str
    monthly: Money
    renews_at: datetime | None
    emergency_state: str
    tags: tuple[str, ...]
    is_demo: bool


@dataclass(frozen=True, kw_only=True)
class InventoryPage:
    numbers: tuple[InventoryNumber, ...]
    # The last row's sort key, to go on after.
    next_after: tuple[str, uuid.UUID] | None


@dataclass(frozen=True, kw_only=True)
class StatusCount:
    """`country` is None where trunks are counted."""

    country: str | None
    status: str
    count: int


@dataclass(frozen=True, kw_only=True)
class TrunkRow:
    trunk_id: uuid.UUID
    name: str
    status: str
    registration_state: str
    numbers: int


@dataclass(frozen=True, kw_only=True)
class TrunkPage:
    trunks: tuple[TrunkRow, ...]
    next_after: tuple[str, uuid.UUID] | None


def list_numbers(
    tenant: Tenant,
    filters: NumberFilters,
    *,
    limit: int,
    after: tuple[str, uuid.UUID] | None = None,
) -> InventoryPage:
    """The tenant's numbers in the order of their digits; one query, one more with `trunk_id`.

    Raises:
        InvalidArguments: `contains` has no digits.
        NotFound: no such trunk in this tenant.
    """
    found = _matching(tenant, filters).select_related("trunk", "call_flow")
    if after is not None:
        e164, number_id = after
        # A row value would do, but Django has none: the first condition lets the index in.
        found = found.filter(Q(e164__gte=e164) & (Q(e164__gt=e164) | Q(id__gt=number_id)))
    rows = list(found.order_by("e164", "id")[: limit + 1])
    shown = rows[:limit]
    return InventoryPage(
        numbers=tuple(_number(row) for row in shown),
        next_after=(shown[-1].e164, shown[-1].id) if len(rows) > limit else None,
    )


def count_numbers(tenant: Tenant, filters: NumberFilters) -> tuple[StatusCount, ...]:
    """How many numbers by country and status; one query, one more with `trunk_id`.

    Raises:
        InvalidArguments: `contains` has no digits.
        NotFound: no such trunk in this tenant.
    """
    groups = (
        _matching(tenant, filters)
        .order_by("country", "status")
        .values_list("country", "status")
        .annotate(count=Count("id"))
    )
    return tuple(
        StatusCount(country=country, status=status, count=count)
        for country, status, count in groups
    )


def list_trunks(
    tenant: Tenant,
    filters: TrunkFilters,
    *,
    limit: int,
    after: tuple[str, uuid.UUID] | None = None,
) -> TrunkPage:
    """The tenant's trunks by name with the count of their numbers; one query, two with an id.

    Raises:
        NotFound: no such trunk in this tenant.
    """
    found = _trunks(tenant, filters)
    if after is not None:
        name, last_id = after
        found = found.filter(Q(name__gte=name) & (Q(name__gt=name) | Q(id__gt=last_id)))
    counted = found.annotate(held=Count("numbers")).order_by("name", "id")
    rows = list(counted[: limit + 1])
    shown = rows[:limit]
    return TrunkPage(
        trunks=tuple(
            TrunkRow(
                trunk_id=row.id,
                name=row.name,
                status=row.status,
                registration_state=row.registration_state,
                numbers=row.held,
            )
            for row in shown
        ),
        next_after=(shown[-1].name, shown[-1].id) if len(rows) > limit else None,
    )


def count_trunks(tenant: Tenant, filters: TrunkFilters) -> tuple[StatusCount, ...]:
    """How many trunks by registration state; one query, two with an id.

    Raises:
        NotFound: no such trunk in this tenant.
    """
    groups = (
        _trunks(tenant, filters)
        .order_by("registration_state")
        .values_list("registration_state")
        .annotate(count=Count("id"))
    )
    return tuple(StatusCount(country=None, status=state, count=count) for state, count in groups)


def _trunks(tenant: Tenant, filters: TrunkFilters) -> QuerySet[Any]:
    # Through the tenant: the app of trunks stands beside this one, not below it.
    found: QuerySet[Any] = tenant.trunks.all()
    if filters.trunk_id is not None:
        _require_trunk(tenant, filters.trunk_id)
        found = found.filter(id=filters.trunk_id)
    if filters.registration_state is not None:
        found = found.filter(registration_state=filters.registration_state)
    if filters.contains is not None:
        found = found.filter(name__icontains=filters.contains)
    return found


def _matching(tenant: Tenant, filters: NumberFilters) -> PhoneNumberQuerySet:
    found = PhoneNumber.objects.for_tenant(tenant)
    if filters.status is None:
        found = found.exclude(status=PhoneNumber.Status.RELEASED)
    else:
        found = found.filter(status=filters.status)
    if filters.country is not None:
        found = found.filter(country=filters.country)
    if filters.trunk_id is not None:
        _require_trunk(tenant, filters.trunk_id)
        found = found.filter(trunk_id=filters.trunk_id)
    if filters.assigned_only:
        found = found.filter(Q(trunk__isnull=False) | Q(call_flow__isnull=False))
    if filters.tag is not None:
        found = found.filter(tags__contains=[filters.tag])
    if filters.contains is not None:
        found = found.filter(_contains(filters.contains))
    return found


def _contains(text: str) -> Q:
    try:
        return patterns.of_any_country(text)
    except patterns.NotAPattern as error:
        raise InvalidArguments(
            "The part of a number is not clear. Correct it.",
            problems=[Problem(field="contains", message=str(error))],
        ) from error


def _require_trunk(tenant: Tenant, trunk_id: uuid.UUID) -> None:
    if not tenant.trunks.filter(id=trunk_id).exists():
        raise NotFound(
            "There is no such trunk in this account. "
            "Call list_inventory with kind trunks to find its id."
        )


def _number(row: PhoneNumber) -> InventoryNumber:
    return InventoryNumber(
        number_id=row.id,
        e164=row.e164,
        country=row.country,
        number_type=row.number_type,
        area=row.area,
        status=row.status,
        capabilities=tuple(row.capabilities),
        assigned_to=_target(row),
        flow_state=_flow_state(row),
        monthly=row.monthly_money,
        renews_at=row.renews_at,
        emergency_state=row.emergency_state,
        tags=tuple(row.tags),
        is_demo=row.is_demo,
    )


def _flow_state(row: PhoneNumber) -> str:
    if row.call_flow is None or row.call_flow.status == "archived":
        return "none"
    return row.call_flow.status


def _target(row: PhoneNumber) -> Target | None:
    if row.trunk is not None:
        return Target(kind="trunk", target_id=row.trunk.id, name=row.trunk.name)
    if row.call_flow is not None:
        return Target(kind="call_flow", target_id=row.call_flow.id, name=row.call_flow.name)
    return None
