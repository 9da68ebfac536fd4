"""A month's calls as a statement and a movement, once, and the warnings before that."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.billing import statements
from cliqtel_portal.billing.errors import LedgerConflict
from cliqtel_portal.billing.models import LedgerEntry, UsageStatement, UsageWarning
from cliqtel_portal.money import Money
from cliqtel_portal.notices.models import Notice
from tests.factories.billing import LedgerEntryFactory

OCTOBER = date(2026, 10, 1)
PRICE = Money(amount=Decimal("0.0005"))


def close(tenant: Tenant, calls: int, *, included: int | None = 100_000, price=PRICE) -> bool:
    return statements.close_month(
        tenant, month=OCTOBER, calls=calls, included=included, call_price=price
    )


def test_calls_beyond_are_billed_to_the_last_decimal(acme: Tenant) -> None:
    assert close(acme, 123_457)

    statement = UsageStatement.objects.for_tenant(acme).get()
    assert (statement.calls, statement.overage_calls) == (123_457, 23_457)
    assert statement.money == Money(amount=Decimal("11.728500"))
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.amount) == ("ai_overage", Decimal("-11.7285"))
    assert entry.reference == f"usage:{acme.pk}:2026-10"
    assert entry.description == "AI Access, October 2026: 23,457 calls beyond 100,000"


@pytest.mark.parametrize(
    ("calls", "included", "price"),
    [
        (100_000, 100_000, PRICE),
        (3, 100_000, PRICE),
        (5_000_000, None, None),
        (10_050, 10_000, None),
    ],
)
def test_a_month_within_or_at_no_price_books_nothing(
    acme: Tenant, calls: int, included: int | None, price: Money | None
) -> None:
    assert close(acme, calls, included=included, price=price)

    assert UsageStatement.objects.get().amount == 0
    assert not LedgerEntry.objects.exists()


def test_closing_again_changes_nothing_whatever_is_said_then(acme: Tenant) -> None:
    assert close(acme, 100_010)
    assert not close(acme, 200_000)

    assert UsageStatement.objects.get().overage_calls == 10
    assert LedgerEntry.objects.get().amount == Decimal("-0.005")


def test_without_the_movement_there_is_no_statement(acme: Tenant) -> None:
    LedgerEntryFactory(
        tenant=acme, kind="ai_overage", reference=f"usage:{acme.pk}:2026-10", amount=Decimal("-9")
    )
    with pytest.raises(LedgerConflict):
        close(acme, 100_010)
    assert not UsageStatement.objects.exists()


def test_a_closed_month_is_never_changed_or_deleted(acme: Tenant) -> None:
    close(acme, 100_010)
    for attempt in (
        lambda: UsageStatement.objects.update(tier="embed"),
        lambda: UsageStatement.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            attempt()
    assert UsageStatement.objects.get().tier == "automate"


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"amount": Decimal("0.006")}, "amount_exact"),
        ({"overage_calls": 11, "amount": Decimal("0.0055")}, "overage_valid"),
        ({"month": date(2026, 10, 2)}, "month_is_first_day"),
    ],
)
def test_sql_holds_the_sum(acme: Tenant, fields: dict[str, object], constraint: str) -> None:
    values = {
        "tenant": acme,
        "month": OCTOBER,
        "tier": "automate",
        "calls": 100_010,
        "included": 100_000,
        "overage_calls": 10,
        "unit_price": Decimal("0.0005"),
        "amount": Decimal("0.005"),
        "currency": "EUR",
    }
    with pytest.raises(IntegrityError, match=constraint):
        UsageStatement.objects.create(**(values | fields))


@pytest.mark.django_db(transaction=True)
def test_two_who_close_at_once_book_one_movement(acme: Tenant) -> None:
    barrier = threading.Barrier(2, timeout=10)

    def run() -> bool:
        try:
            barrier.wait()
            return close(acme, 100_010)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        closed = [one.result() for one in [threads.submit(run), threads.submit(run)]]

    assert sorted(closed) == [False, True]
    assert LedgerEntry.objects.count() == UsageStatement.objects.count() == 1


def test_a_share_is_told_once_for_each_month(acme: Tenant, mallory) -> None:
    def warn(tenant: Tenant, month: date = OCTOBER, percent: int = 80) -> bool:
        return statements.warn_once(
            tenant, month=month, percent=percent, title="T", body="B", link="/x"
        )

    assert [warn(acme), warn(acme), warn(acme, percent=100)] == [True, False, True]
    assert [warn(mallory.tenant), warn(acme, date(2026, 11, 1))] == [True, True]

    levels = Notice.objects.filter(tenant=acme).order_by("created_at").values_list("level")
    assert [level for (level,) in levels] == ["warning", "error", "warning"]
    assert UsageWarning.objects.count() == 4
