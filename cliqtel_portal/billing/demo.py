"""The demo's money: a top-up or two, what was spent of it, and closed months within the plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.billing.models import LedgerEntry, UsageStatement

_Kind = LedgerEntry.Kind

_ENTRIES: dict[str, list[tuple[LedgerEntry.Kind, str, str, str, datetime]]] = {
    "acme": [
        (_Kind.TOP_UP, "2026-09", "1000.00", "Bank transfer", datetime(2026, 9, 1, 8, tzinfo=UTC)),
        (
            _Kind.NUMBER_MONTHLY,
            "2026-09",
            "-68.40",
            "24 numbers, September",
            datetime(2026, 9, 30, 22, tzinfo=UTC),
        ),
        (
            _Kind.CALLS,
            "2026-09",
            "-212.3745",
            "Calls, September",
            datetime(2026, 9, 30, 22, tzinfo=UTC),
        ),
        (
            _Kind.MESSAGES,
            "2026-09",
            "-18.063",
            "223 SMS, September",
            datetime(2026, 9, 30, 22, tzinfo=UTC),
        ),
        (_Kind.TOP_UP, "2026-10", "500.00", "Bank transfer", datetime(2026, 10, 5, 8, tzinfo=UTC)),
        (
            _Kind.REFUND,
            "2026-10",
            "12.50",
            "Set-up of a toll-free number that was not delivered",
            datetime(2026, 10, 7, 10, tzinfo=UTC),
        ),
    ],
    "globex": [
        (_Kind.TOP_UP, "2026-09", "100.00", "Card", datetime(2026, 9, 3, 8, tzinfo=UTC)),
        (
            _Kind.NUMBER_MONTHLY,
            "2026-09",
            "-4.80",
            "4 numbers, September",
            datetime(2026, 9, 30, 22, tzinfo=UTC),
        ),
    ],
    "initech": [
        (_Kind.TOP_UP, "2026-09", "5000.00", "Bank transfer", datetime(2026, 9, 2, 8, tzinfo=UTC)),
        (
            _Kind.CALLS,
            "2026-09",
            "-1804.9921",
            "Calls, September",
            datetime(2026, 9, 30, 22, tzinfo=UTC),
        ),
    ],
}

# tenant, month, calls, included. None goes beyond: nothing is booked for them.
_MONTHS: dict[str, list[tuple[date, int, int | None]]] = {
    "acme": [(date(2026, 9, 1), 41_207, 100_000), (date(2026, 10, 1), 63_918, 100_000)],
    "globex": [(date(2026, 10, 1), 2_345, 10_000)],
    "initech": [(date(2026, 10, 1), 1_204_992, None)],
}


def seed(tenants: Mapping[str, Tenant]) -> None:
    LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(
                tenant=tenant,
                kind=kind,
                # The tenant's id in it: a demo tenant made anew starts with money of its own.
                reference=f"demo:{tenant.id}:{period}",
                amount=Decimal(amount),
                currency=tenant.currency,
                description=description,
                occurred_at=occurred_at,
            )
            for slug, tenant in tenants.items()
            for kind, period, amount, description, occurred_at in _ENTRIES.get(slug, [])
        ],
        ignore_conflicts=True,
    )
    UsageStatement.objects.bulk_create(
        [
            UsageStatement(
                tenant=tenant,
                month=month,
                tier=tenant.tier,
                calls=calls,
                included=included,
                unit_price=Decimal(0),
                amount=Decimal(0),
                currency="EUR",
                closed_at=datetime(month.year, month.month + 1, 1, 0, 20, tzinfo=UTC),
            )
            for slug, tenant in tenants.items()
            for month, calls, included in _MONTHS.get(slug, [])
        ],
        ignore_conflicts=True,
    )
