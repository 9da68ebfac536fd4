"""What runs by the clock: rows that have run out go, so that tables stay as small as their use."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db.models import F
from django.utils import timezone

from cliqtel_portal.numbers.models import Offer, Reservation
from cliqtel_portal.numbers.services.orders import withdraw_lapsed_orders
from cliqtel_portal.numbers.services.release import due_ids, hand_back

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def delete_expired_offers() -> int:
    """Return how many went. A search that renews one at this moment keeps it."""
    deleted, _ = Offer.objects.filter(expires_at__lte=timezone.now()).delete()
    logger.info("deleted %s expired offers", deleted)
    return deleted


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def release_expired_reservations() -> int:
    """Return how many were closed. They hold nothing since `expires_at`: this tidies up."""
    released = Reservation.objects.filter(
        released_at__isnull=True, expires_at__lte=timezone.now()
    ).update(released_at=F("expires_at"))
    logger.info("released %s expired reservations", released)
    return released


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def withdraw_forgotten_orders() -> int:
    """Return how many drafts were withdrawn that nobody ended when their hold did."""
    withdrawn = withdraw_lapsed_orders()
    if withdrawn:
        logger.warning("withdrew %s forgotten orders", withdrawn)
    return withdrawn


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def hand_back_numbers() -> int:
    """Return how many went to the carrier: their quarantine is over. A second run finds none."""
    handed = [number_id for number_id in due_ids(timezone.now()) if hand_back(number_id)]
    logger.info("handing back %s numbers", len(handed))
    return len(handed)
