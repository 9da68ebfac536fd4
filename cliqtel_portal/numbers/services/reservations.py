"""Holding a number for a few minutes, while a person or an AI host chooses."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cliqtel_portal import phone
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.billing.services import hold_account
from cliqtel_portal.errors import InvalidArguments, NotFound, Problem
from cliqtel_portal.numbers.errors import HoldLimitReached, NumberUnavailable
from cliqtel_portal.numbers.models import Reservation, StockNumber
from cliqtel_portal.numbers.services.holds import hold, locked_stock, obstacles

MIN_MINUTES, MAX_MINUTES = 5, 30


@transaction.atomic
def reserve_number(
    tenant: Tenant, *, e164: str, ttl_minutes: int = 15, now: datetime | None = None
) -> Reservation:
    """Nobody else can draft or buy the number until `expires_at`.

    Reserved again it lasts longer, never shorter; what a drafted order of the tenant holds stays
    held by it, as it is.

    Raises:
        InvalidArguments: no E.164 number, or not 5 to 30 minutes.
        NumberUnavailable: not for sale, sold, or held by others.
        HoldLimitReached: the tenant holds as many as it may.
    """
    _check(e164, ttl_minutes)
    now = now or timezone.now()
    # Counting below holds for all of the tenant's calls, not only for this number.
    hold_account(tenant)
    ids = list(StockNumber.objects.filter(e164=e164).values_list("pk", flat=True))
    stock = locked_stock(ids)
    if not stock:
        raise NumberUnavailable(
            f"{phone.display(e164)} is not for sale here. Call search_numbers to find others."
        )
    own = Reservation.objects.for_tenant(tenant).live(now)
    present = own.filter(stock_number=stock[0]).select_related("stock_number").first()
    if present is not None and present.order_id is not None:
        return present
    obstacle = obstacles(tenant, stock, at=now).get(stock[0].pk)
    if obstacle:
        raise NumberUnavailable(f"{obstacle} Choose another number.")
    if present is None:
        _check_limit(own.filter(order__isnull=True).count())
    hold(tenant, stock, at=now, until=now + timedelta(minutes=ttl_minutes))
    return own.select_related("stock_number").get(stock_number=stock[0])


@transaction.atomic
def release_reservation(
    tenant: Tenant, *, reservation_id: uuid.UUID, now: datetime | None = None
) -> Reservation:
    """The number is free for others. What is free already stays so.

    Raises:
        NotFound: no such reservation of the tenant.
        InvalidArguments: a drafted order holds it; the order has to be withdrawn.
    """
    row = (
        Reservation.objects.for_tenant(tenant).select_for_update().filter(pk=reservation_id).first()
    )
    if row is None:
        raise NotFound("There is no such reservation. Reload the page.")
    if row.released_at is not None:
        return row
    if row.order_id is not None:
        raise InvalidArguments(
            "A drafted order holds this number. Withdraw the draft to free it.",
            problems=[Problem(field="reservation_id", message="It belongs to a drafted order.")],
        )
    row.released_at = now or timezone.now()
    row.save(update_fields=["released_at"])
    return row


def _check(e164: str, ttl_minutes: int) -> None:
    problems = []
    if not phone.E164.fullmatch(e164):
        problems.append(Problem(field="number", message="Write it as +31201234567."))
    if not MIN_MINUTES <= ttl_minutes <= MAX_MINUTES:
        problems.append(
            Problem(field="ttl_minutes", message=f"{MIN_MINUTES} to {MAX_MINUTES} minutes.")
        )
    if problems:
        raise InvalidArguments("The reservation is not clear. Correct it.", problems=problems)


def _check_limit(held: int) -> None:
    limit = settings.NUMBER_RESERVATIONS_MAX
    if held >= limit:
        raise HoldLimitReached(
            f"This account has {held} numbers reserved, and {limit} is the most. Order some of "
            "them, release one, or wait until one runs out."
        )
