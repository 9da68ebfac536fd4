from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from cliqtel_portal.numbers import tasks
from cliqtel_portal.numbers.models import Offer
from tests.factories.numbers import OfferFactory, ReservationFactory


def test_only_expired_offers_go(acme):
    OfferFactory(tenant=acme, expires_at=timezone.now() - timedelta(seconds=1))
    live = OfferFactory(tenant=acme)
    assert tasks.delete_expired_offers() == 1
    assert list(Offer.objects.all()) == [live]
    assert tasks.delete_expired_offers() == 0


def test_only_expired_holds_are_closed(acme):
    now = timezone.now()
    old = ReservationFactory(
        tenant=acme, created_at=now - timedelta(hours=1), expires_at=now - timedelta(minutes=1)
    )
    live = ReservationFactory(tenant=acme)
    assert tasks.release_expired_reservations() == 1
    old.refresh_from_db()
    live.refresh_from_db()
    assert old.released_at == old.expires_at
    assert live.released_at is None
    assert tasks.release_expired_reservations() == 0
