"""Booking, and the balance as the sum of what was booked."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.billing.errors import BalanceTooLow, LedgerConflict
from cliqtel_portal.billing.models import LedgerEntry
from cliqtel_portal.money import Money


@transaction.atomic
def record_entry(
    tenant: Tenant,
    *,
    kind: LedgerEntry.Kind,
    reference: str,
    money: Money,
    description: str,
    occurred_at: datetime | None = None,
) -> LedgerEntry:
    """The movement is in the ledger, once: the same reference again returns the first entry.

    Raises:
        LedgerConflict: the reference was booked for another amount or tenant.
    """
    LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(
                tenant=tenant,
                kind=kind,
                reference=reference,
                amount=money.amount,
                currency=money.currency,
                description=description,
                occurred_at=occurred_at or timezone.now(),
            )
        ],
        ignore_conflicts=True,
    )
    entry = LedgerEntry.objects.get(kind=kind, reference=reference)
    if entry.tenant_id != tenant.id or entry.money != money:
        raise LedgerConflict(
            "That reference is booked already with another amount. Use a reference of its own."
        )
    return entry


def balance(tenant: Tenant) -> Money:
    """The sum of all entries in the tenant's currency."""
    total = (
        LedgerEntry.objects.for_tenant(tenant)
        .filter(currency=tenant.currency)
        .aggregate(total=Sum("amount"))["total"]
    )
    return Money(amount=total or Decimal(0), currency=tenant.currency)


@transaction.atomic
def hold_account(tenant: Tenant) -> None:
    """Until the caller's transaction ends nobody else spends from the account, or counts what was
    sent from it. Rows that refer to the tenant can still be written.
    """
    # Evaluated for its lock alone.
    list(Tenant.objects.select_for_update(no_key=True).filter(pk=tenant.pk).values_list("pk"))


@transaction.atomic
def require_balance(tenant: Tenant, money: Money) -> None:
    """The account holds the money, and will until the caller's transaction has booked it.

    Raises:
        BalanceTooLow: it does not, or is kept in another currency.
    """
    hold_account(tenant)
    shortage = balance_shortage(tenant, money)
    if shortage:
        raise BalanceTooLow(f"{shortage} Top up the account, then try again.")


def balance_shortage(tenant: Tenant, money: Money) -> str:
    """Return a sentence that says what the account lacks to pay that, "" where it lacks nothing."""
    if money.amount == 0:
        return ""
    held = balance(tenant)
    if held.currency != money.currency:
        return f"This costs {money} and the account is kept in {held.currency}."
    if held.amount < money.amount:
        return f"This costs {money} and the account holds {held}."
    return ""
