"""The demo's numbers: what tenants have, and what can be bought."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import phonenumbers
from django.conf import settings
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.numbers.demo_owned import ADDRESSES, OWNED, Owned
from cliqtel_portal.numbers.demo_stock import RANGES
from cliqtel_portal.numbers.models import EmergencyAddress, PhoneNumber, StockNumber
from cliqtel_portal.pricing.services import current_prices
from cliqtel_portal.regulatory.services import requirement_names

_NAMESPACE = uuid.UUID("9f2d6c1b-77a4-4c58-9b1e-5d0f4f0f6a04")
_FIRST_DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def seed(tenants: Mapping[str, Tenant]) -> None:
    """Adds what is missing; a number that was bought, moved or released meanwhile stays so.

    Prices, rules, trunks and call flows must have been seeded. A target that is not there leaves
    its numbers without one.
    """
    _seed_stock()
    for slug, tenant in tenants.items():
        _seed_owned(slug, tenant)


def _seed_stock() -> None:
    pairs = {(found.country, found.number_type.value) for found in RANGES}
    rules = requirement_names(pairs)
    StockNumber.objects.bulk_create(
        [
            StockNumber(
                e164=e164,
                national=phonenumbers.national_significant_number(phonenumbers.parse(e164)),
                country=found.country,
                number_type=found.number_type,
                area=found.area,
                area_code=found.area_code,
                capabilities=[capability.value for capability in found.capabilities],
                status=_stock_status(index),
                requires_documents=bool(rules.get((found.country, found.number_type.value))),
                is_demo=True,
            )
            for found in RANGES
            for index, e164 in enumerate(found.numbers())
        ],
        ignore_conflicts=True,
    )


def _stock_status(index: int) -> StockNumber.Status:
    """Here and there one is gone, beyond the runs of consecutive numbers."""
    if index % 29 == 27:
        return StockNumber.Status.SOLD
    if index % 29 == 28:
        return StockNumber.Status.RESERVED
    return StockNumber.Status.AVAILABLE


def _seed_owned(slug: str, tenant: Tenant) -> None:
    owned = OWNED.get(slug, [])
    EmergencyAddress.objects.bulk_create(
        [
            EmergencyAddress(
                tenant=tenant,
                label=address.label,
                street=address.street,
                house_number=address.house_number,
                postal_code=address.postal_code,
                city=address.city,
                country=address.country,
                validated_at=_FIRST_DAY if address.is_validated else None,
            )
            for address in ADDRESSES.get(slug, [])
        ],
        ignore_conflicts=True,
    )
    addresses = {row.label: row for row in EmergencyAddress.objects.for_tenant(tenant)}
    trunks = dict(tenant.trunks.values_list("name", "id"))
    flows = dict(tenant.call_flows.values_list("name", "id"))
    prices = current_prices(tenant, {(one.country, one.number_type.value) for one in owned})
    PhoneNumber.objects.bulk_create(
        [
            PhoneNumber(
                # Released ones may exist twice: only the id keeps those from piling up.
                id=uuid.uuid5(_NAMESPACE, f"{tenant.id} {one.e164}"),
                tenant=tenant,
                e164=one.e164,
                country=one.country,
                number_type=one.number_type,
                area=one.area,
                area_code=one.area_code,
                capabilities=[capability.value for capability in one.capabilities],
                status=one.status,
                trunk_id=trunks.get(one.trunk),
                call_flow_id=flows.get(one.flow),
                tags=list(one.tags),
                monthly_price=price.monthly.amount if price else Decimal(0),
                currency=price.monthly.currency if price else tenant.currency,
                renews_at=_renewal(one, index),
                quarantine_until=_quarantine_end(one),
                emergency_state=_emergency_state(addresses.get(one.emergency)),
                emergency_address=addresses.get(one.emergency),
                is_demo=True,
                created_at=_FIRST_DAY,
            )
            for index, one in enumerate(owned)
            for price in [prices.get((one.country, one.number_type.value))]
        ],
        ignore_conflicts=True,
    )


def _renewal(one: Owned, index: int) -> datetime | None:
    """A day of next month, so that a fresh demo never shows a renewal that is overdue."""
    if one.status in {PhoneNumber.Status.QUARANTINE, PhoneNumber.Status.RELEASED}:
        return None
    today = timezone.now()
    year, month = (today.year + 1, 1) if today.month == 12 else (today.year, today.month + 1)
    return datetime(year, month, 1 + index % 28, tzinfo=UTC)


def _quarantine_end(one: Owned) -> datetime | None:
    if one.status != PhoneNumber.Status.QUARANTINE:
        return None
    return timezone.now() + timedelta(days=settings.NUMBER_QUARANTINE_DAYS)


def _emergency_state(address: EmergencyAddress | None) -> PhoneNumber.EmergencyState:
    if address is None:
        return PhoneNumber.EmergencyState.NONE
    if address.validated_at is None:
        return PhoneNumber.EmergencyState.PENDING
    return PhoneNumber.EmergencyState.VALIDATED
