"""Who keeps a number of the stock from whom. Callers are inside a transaction.

Locks are taken in one order: the tenant's account, an order's row, then numbers by their digits.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db.models import F

from cliqtel_portal import phone
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.numbers.models import PhoneNumber, Reservation, StockNumber
from cliqtel_portal.numbers.order_models import NumberOrder


def locked_stock(ids: Collection[uuid.UUID]) -> list[StockNumber]:
    """The numbers, in ascending order; nobody else sells or holds them until we commit.

    Offers can still be made for them: those only refer to the row.
    """
    numbers = StockNumber.objects.select_for_update(no_key=True).filter(pk__in=ids)
    return list(numbers.order_by("digits"))


def obstacles(
    tenant: Tenant,
    stock: Sequence[StockNumber],
    *,
    order: NumberOrder | None = None,
    at: datetime,
) -> Mapping[uuid.UUID, str]:
    """Why the tenant (for that order) can't have a number, in a sentence, by the stock's id.

    What it has reserved itself is no obstacle; what another drafted order of its own holds is one.
    """
    found = {
        number.pk: f"{_spoken(number)} is sold."
        if number.status == StockNumber.Status.SOLD
        else f"{_spoken(number)} is withheld at the moment."
        for number in stock
        if number.status != StockNumber.Status.AVAILABLE
    }
    kept = Reservation.objects.live(at).filter(stock_number__in=stock)
    for hold in kept.select_related("stock_number"):
        if hold.tenant_id != tenant.pk:
            sentence = "is held by somebody else at the moment."
        elif hold.order_id is not None and (order is None or hold.order_id != order.pk):
            sentence = f"is in another drafted order of this account ({hold.order_id})."
        else:
            continue
        found.setdefault(hold.stock_number_id, f"{_spoken(hold.stock_number)} {sentence}")
    # The stock may offer what an owner has not handed back yet.
    by_number = {number.e164: number for number in stock}
    owned = PhoneNumber.objects.filter(e164__in=by_number).exclude(
        status=PhoneNumber.Status.RELEASED
    )
    for e164, owner in owned.values_list("e164", "tenant_id"):
        number = by_number[e164]
        if owner == tenant.pk:
            # Also where it is sold: a host that tries again would tell that somebody else has it.
            found[number.pk] = f"{_spoken(number)} belongs to this account already."
        else:
            found.setdefault(number.pk, f"{_spoken(number)} is in use.")
    return found


def hold(
    tenant: Tenant,
    stock: Sequence[StockNumber],
    *,
    order: NumberOrder | None = None,
    at: datetime,
    until: datetime,
) -> None:
    """The tenant (for that order) holds the numbers until then; never shorter than it did.

    They are locked, and nothing is in the way.
    """
    rows = Reservation.objects.unreleased().filter(stock_number__in=stock)
    # The index of live holds can't look at the clock.
    rows.filter(expires_at__lte=at).update(released_at=F("expires_at"))
    rows.filter(expires_at__lt=until).update(expires_at=until)
    if order is not None:
        rows.update(order=order)
    held = set(rows.values_list("stock_number", flat=True))
    Reservation.objects.bulk_create(
        [
            Reservation(
                tenant=tenant, stock_number=number, order=order, created_at=at, expires_at=until
            )
            for number in stock
            if number.pk not in held
        ]
    )


def _spoken(number: StockNumber) -> str:
    return phone.display(number.e164)
