"""What two tenants, two calls and the clock do to the same numbers at the same moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here
from cliqtel_portal.billing.errors import BalanceTooLow
from cliqtel_portal.billing.services import balance
from cliqtel_portal.numbers import tasks
from cliqtel_portal.numbers.errors import HoldLimitReached, NumberUnavailable
from cliqtel_portal.numbers.models import PhoneNumber, Reservation
from cliqtel_portal.numbers.order_models import NumberOrder
from cliqtel_portal.numbers.services import orders
from cliqtel_portal.numbers.services.order_drafts import draft_order
from cliqtel_portal.numbers.services.reservations import reserve_number
from tests.factories.billing import LedgerEntryFactory
from tests.factories.numbers import StockNumberFactory
from tests.factories.orders import make_order
from tests.factories.pricing import PriceFactory
from tests.races import at_once

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


def drafting(member, *stock):
    return lambda: draft_order(
        member.tenant, user=member.user, numbers=[number.e164 for number in stock]
    )


def placing(order):
    return lambda: orders.place_order(order.pk, price=orders.price_on_lines(order))


def held_once():
    live = list(Reservation.objects.live(timezone.now()).values_list("stock_number", flat=True))
    return len(live) == len(set(live))


def test_two_tenants_draft_the_same_numbers_and_one_wins(alice, mallory):
    """In opposite order: neither waits for what the other has locked."""
    PriceFactory()
    stock = [StockNumberFactory() for _ in range(6)]
    won, lost = at_once(
        *[drafting(alice, *stock), drafting(mallory, *reversed(stock))] * 3,
    )
    assert (len(won), {type(error) for error in lost}) == (1, {NumberUnavailable})
    assert all(len(error.problems) == 6 for error in lost)
    assert NumberOrder.objects.count() == 1
    assert (Reservation.objects.count(), held_once()) == (6, True)


def test_parallel_calls_stay_within_the_limits(alice, settings):
    PriceFactory()
    settings.NUMBER_RESERVATIONS_MAX = 2
    settings.NUMBER_ORDER_HELD_MAX = 4
    numbers = [StockNumberFactory().e164 for _ in range(6)]
    won, lost = at_once(
        *[lambda e164=e164: reserve_number(alice.tenant, e164=e164) for e164 in numbers]
    )
    assert (len(won), {type(error) for error in lost}) == (2, {HoldLimitReached})
    pairs = [(StockNumberFactory(), StockNumberFactory()) for _ in range(4)]
    won, lost = at_once(*[drafting(alice, *pair) for pair in pairs])
    assert (len(won), {type(error) for error in lost}) == (2, {HoldLimitReached})
    assert Reservation.objects.filter(order__isnull=False).count() == 4


def test_a_purchase_against_its_end_has_one_winner(alice):
    """The hold is over: the clock withdraws, and a late worker places."""
    PriceFactory(setup=1, monthly=2)
    LedgerEntryFactory(tenant=alice.tenant, amount=100)
    long_ago = timezone.now() - timedelta(days=2)
    for _ in range(3):
        order = make_order(
            alice, created_at=long_ago, hold_until=timezone.now() - timedelta(hours=1)
        )
        _, lost = at_once(placing(order), tasks.withdraw_forgotten_orders)
        order.refresh_from_db()
        bought = PhoneNumber.objects.filter(order_line__order=order).count()
        if order.state == "withdrawn":
            assert ([type(error) for error in lost], bought) == ([NumberUnavailable], 0)
        else:
            assert (order.state, lost, bought) == ("completed", [], 1)
        assert balance(alice.tenant).amount == 100 - 3 * PhoneNumber.objects.count()


def test_one_order_placed_by_many_is_charged_once(alice):
    LedgerEntryFactory(tenant=alice.tenant, amount=100)
    order = make_order(alice)
    won, lost = at_once(*[placing(order)] * 6)
    assert (len(won), lost) == (6, [])
    assert (PhoneNumber.objects.count(), balance(alice.tenant).amount) == (1, 97)


def test_two_orders_do_not_spend_the_same_money(alice):
    LedgerEntryFactory(tenant=alice.tenant, amount=5)
    won, lost = at_once(*[placing(make_order(alice)) for _ in range(2)])
    assert (len(won), [type(error) for error in lost]) == (1, [BalanceTooLow])
    assert balance(alice.tenant).amount == 2
