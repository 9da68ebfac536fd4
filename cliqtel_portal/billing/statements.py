"""A month's calls as a statement and a movement on the account, and the warnings before that.

How many calls there were is said by the caller: the log stands above this.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import transaction

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.billing.models import LedgerEntry, UsageStatement, UsageWarning
from cliqtel_portal.billing.services import record_entry
from cliqtel_portal.money import Money
from cliqtel_portal.notices.models import Notice
from cliqtel_portal.notices.services import notify


@transaction.atomic
def close_month(
    tenant: Tenant, *, month: date, calls: int, included: int | None, call_price: Money | None
) -> bool:
    """The month has its statement, and what it costs is booked: both, or neither. True: by us.

    Idempotent: a statement never changes. `included` None: no limit. `call_price`: of each call
    beyond; None where such calls cost nothing, or are refused.
    """
    price = call_price or Money(amount=Decimal(0))
    beyond = 0
    if call_price is not None and included is not None:
        beyond = max(0, calls - included)
    statement = UsageStatement(
        tenant=tenant,
        month=month,
        tier=tenant.tier,
        calls=calls,
        included=included,
        overage_calls=beyond,
        unit_price=price.amount,
        amount=(price * beyond).amount,
        currency=price.currency,
    )
    # Waits for whoever is closing the same month; afterwards one of the two rows is there.
    UsageStatement.objects.bulk_create([statement], ignore_conflicts=True)
    if not UsageStatement.objects.filter(pk=statement.pk).exists():
        return False
    if statement.amount:
        record_entry(
            tenant,
            kind=LedgerEntry.Kind.AI_OVERAGE,
            reference=f"usage:{tenant.pk}:{month:%Y-%m}",
            money=statement.money * -1,
            description=f"AI Access, {month:%B %Y}: {beyond:,} calls beyond {included:,}",
        )
    return True


@transaction.atomic
def warn_once(
    tenant: Tenant, *, month: date, percent: int, title: str, body: str, link: str
) -> bool:
    """Everybody in the tenant has the notice, once for the month and share. True: by us."""
    warning = UsageWarning(tenant=tenant, month=month, percent=percent)
    UsageWarning.objects.bulk_create([warning], ignore_conflicts=True)
    if not UsageWarning.objects.filter(pk=warning.pk).exists():
        return False
    level = Notice.Level.ERROR if percent >= 100 else Notice.Level.WARNING
    notify(tenant, title=title, body=body, link=link, level=level)
    return True
