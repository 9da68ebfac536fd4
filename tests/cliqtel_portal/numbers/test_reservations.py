from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cliqtel_portal.errors import InvalidArguments, NotFound
from cliqtel_portal.numbers.errors import HoldLimitReached, NumberUnavailable
from cliqtel_portal.numbers.models import Reservation
from cliqtel_portal.numbers.services.reservations import release_reservation, reserve_number
from tests.factories.numbers import PhoneNumberFactory, ReservationFactory, StockNumberFactory
from tests.factories.orders import make_order


@pytest.fixture
def now():
    return timezone.now()


def live(tenant, at):
    return Reservation.objects.for_tenant(tenant).live(at)


def test_a_reserved_number_is_held_for_the_tenant(acme, mallory, now):
    stock = StockNumberFactory()
    held = reserve_number(acme, e164=stock.e164, ttl_minutes=20, now=now)
    assert (held.stock_number, held.expires_at) == (stock, now + timedelta(minutes=20))
    with pytest.raises(NumberUnavailable, match="held by somebody else"):
        reserve_number(mallory.tenant, e164=stock.e164, now=now)
    assert Reservation.objects.count() == 1


def test_again_it_lasts_longer_and_never_shorter(acme, now):
    stock = StockNumberFactory()
    first = reserve_number(acme, e164=stock.e164, ttl_minutes=20, now=now)
    assert reserve_number(acme, e164=stock.e164, ttl_minutes=5, now=now) == first
    assert live(acme, now).get().expires_at == now + timedelta(minutes=20)
    reserve_number(acme, e164=stock.e164, ttl_minutes=30, now=now)
    assert live(acme, now).get().expires_at == now + timedelta(minutes=30)


def test_what_ran_out_is_free_before_the_clock_has_closed_it(acme, mallory, now):
    stock = StockNumberFactory()
    old = reserve_number(mallory.tenant, e164=stock.e164, now=now - timedelta(hours=1))
    reserve_number(acme, e164=stock.e164, now=now)
    old.refresh_from_db()
    assert old.released_at == old.expires_at
    assert live(acme, now).count() == 1


@pytest.mark.parametrize("status", ["sold", "reserved"])
def test_what_is_sold_or_withheld_is_not_reserved(acme, status):
    stock = StockNumberFactory(status=status)
    with pytest.raises(NumberUnavailable):
        reserve_number(acme, e164=stock.e164)
    assert not Reservation.objects.exists()


def test_what_an_owner_still_has_is_not_reserved(acme, mallory):
    stock = StockNumberFactory()
    PhoneNumberFactory(tenant=mallory.tenant, e164=stock.e164)
    with pytest.raises(NumberUnavailable, match="in use"):
        reserve_number(acme, e164=stock.e164)


def test_what_is_not_in_stock_is_not_reserved(acme):
    with pytest.raises(NumberUnavailable, match="not for sale"):
        reserve_number(acme, e164="+31201112233")


def test_all_that_is_wrong_is_told_at_once(acme):
    with pytest.raises(InvalidArguments) as caught:
        reserve_number(acme, e164="020 111", ttl_minutes=31)
    assert [problem.field for problem in caught.value.problems] == ["number", "ttl_minutes"]


def test_ten_live_ones_are_the_most(acme, mallory, now, settings):
    settings.NUMBER_RESERVATIONS_MAX = 2
    ReservationFactory(tenant=mallory.tenant)
    ReservationFactory(tenant=acme, expires_at=now, created_at=now - timedelta(minutes=5))
    ReservationFactory(tenant=acme, released_at=now)
    kept = [reserve_number(acme, e164=StockNumberFactory().e164, now=now) for _ in range(2)]
    another = StockNumberFactory()
    with pytest.raises(HoldLimitReached, match="2 is the most"):
        reserve_number(acme, e164=another.e164, now=now)
    # Renewing one is no further one.
    reserve_number(acme, e164=kept[0].stock_number.e164, now=now)
    release_reservation(acme, reservation_id=kept[0].pk, now=now)
    reserve_number(acme, e164=another.e164, now=now)


def test_what_a_draft_of_the_tenant_holds_stays_as_it_is(alice, now):
    order = make_order(alice)
    line = order.lines.get()
    held = reserve_number(alice.tenant, e164=line.e164, now=now)
    assert (held.order, held.expires_at) == (order, order.hold_until)
    with pytest.raises(InvalidArguments, match="drafted order"):
        release_reservation(alice.tenant, reservation_id=held.pk)
    assert live(alice.tenant, now).count() == 1


def test_a_released_one_is_free_for_others(acme, mallory, now):
    held = reserve_number(acme, e164=StockNumberFactory().e164, now=now)
    released = release_reservation(acme, reservation_id=held.pk, now=now)
    assert release_reservation(acme, reservation_id=held.pk).released_at == released.released_at
    reserve_number(mallory.tenant, e164=held.stock_number.e164, now=now)


def test_nobody_releases_what_another_tenant_holds(acme, mallory, now):
    held = reserve_number(acme, e164=StockNumberFactory().e164, now=now)
    with pytest.raises(NotFound):
        release_reservation(mallory.tenant, reservation_id=held.pk)
    assert live(acme, now).count() == 1
