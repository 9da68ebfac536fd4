from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from cliqtel_portal.billing import demo, services
from cliqtel_portal.billing.errors import BalanceTooLow, LedgerConflict
from cliqtel_portal.billing.models import LedgerEntry, UsageStatement
from cliqtel_portal.money import Money
from tests.factories.billing import LedgerEntryFactory

Kind = LedgerEntry.Kind


def book(tenant, reference="order-1", amount="-1.50", kind=Kind.NUMBER_SETUP):
    return services.record_entry(
        tenant,
        kind=kind,
        reference=reference,
        money=Money(amount=Decimal(amount)),
        description="A number",
    )


def test_the_balance_is_the_sum_of_the_entries(acme, mallory, django_assert_num_queries):
    assert services.balance(acme) == Money(amount=Decimal(0))
    LedgerEntryFactory(tenant=acme, amount=Decimal("10.000000"))
    LedgerEntryFactory(tenant=acme, amount=Decimal("-0.000500"))
    LedgerEntryFactory(tenant=acme, amount=Decimal("5"), currency="USD")
    LedgerEntryFactory(tenant=mallory.tenant, amount=Decimal("99"))
    with django_assert_num_queries(1):
        assert services.balance(acme) == Money(amount=Decimal("9.9995"))


def test_booking_the_same_again_returns_the_first_entry(acme):
    first = book(acme)
    assert book(acme) == first
    assert LedgerEntry.objects.count() == 1


def test_a_reference_is_free_in_another_kind(acme):
    book(acme)
    book(acme, kind=Kind.NUMBER_MONTHLY)
    assert LedgerEntry.objects.count() == 2


def test_a_reference_booked_otherwise_is_a_conflict(acme, mallory):
    book(acme)
    with pytest.raises(LedgerConflict):
        book(acme, amount="-2.00")
    with pytest.raises(LedgerConflict):
        book(mallory.tenant)
    assert services.balance(acme).amount == Decimal("-1.50")


def test_the_database_refuses_to_change_or_delete_an_entry(acme):
    entry = LedgerEntryFactory(tenant=acme)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        LedgerEntry.objects.filter(pk=entry.pk).update(amount=Decimal("1000"))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        entry.delete()
    assert LedgerEntry.objects.get(pk=entry.pk).amount == Decimal("10.00")


def test_an_entry_of_nothing_is_refused(acme):
    with pytest.raises(IntegrityError, match="amount_not_zero"), transaction.atomic():
        LedgerEntryFactory(tenant=acme, amount=Decimal(0))


def test_seeding_twice_books_once(acme):
    demo.seed({"acme": acme})
    balance = services.balance(acme)
    demo.seed({"acme": acme})
    assert services.balance(acme) == balance
    assert balance.amount > 0
    assert UsageStatement.objects.for_tenant(acme).count() == 2


def test_a_balance_pays_up_to_its_last_cent_in_its_own_currency(acme):
    LedgerEntryFactory(tenant=acme, amount=Decimal("5.00"))
    services.require_balance(acme, Money(amount=Decimal("5.00")))
    for money in (Money(amount=Decimal("5.01")), Money(amount=Decimal(1), currency="USD")):
        with pytest.raises(BalanceTooLow) as error:
            services.require_balance(acme, money)
        assert error.value.code == "balance_too_low"
        assert "Top up" in error.value.message


def test_nothing_costs_nothing_in_any_currency(acme):
    services.require_balance(acme, Money(amount=Decimal(0), currency="USD"))
