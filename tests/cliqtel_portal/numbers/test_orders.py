"""Quoting, placing and withdrawing an order; what the carrier makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from cliqtel_portal.billing.errors import BalanceTooLow
from cliqtel_portal.billing.models import LedgerEntry
from cliqtel_portal.billing.services import balance
from cliqtel_portal.carriers.errors import CarrierRejectedError, CarrierUnavailableError
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.carriers.types import Receipt
from cliqtel_portal.notices.models import Event, Notice
from cliqtel_portal.numbers import tasks
from cliqtel_portal.numbers.errors import (
    NumberUnavailable,
    OrderPriceChanged,
    RequirementsMissing,
)
from cliqtel_portal.numbers.models import PhoneNumber, Reservation, StockNumber
from cliqtel_portal.numbers.order_models import NumberOrder
from cliqtel_portal.numbers.services import orders
from cliqtel_portal.numbers.services.order_outcomes import OrderOutcome, one_month_after
from tests.factories.billing import LedgerEntryFactory
from tests.factories.numbers import OfferFactory, ReservationFactory, StockNumberFactory
from tests.factories.orders import make_order
from tests.factories.pricing import PriceFactory
from tests.factories.regulatory import RequirementFactory, RequirementSetFactory
from tests.factories.trunks import TrunkFactory

RECEIPT = Receipt(reference="ref-1", state="done")


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def rich(alice):
    """Alice, whose account can pay, in a world with prices."""
    PriceFactory(setup=1, monthly=2)
    LedgerEntryFactory(tenant=alice.tenant, amount=100)
    return alice


def place(order, **options):
    return orders.place_order(order.pk, price=orders.price_on_lines(order), **options)


def statuses(order):
    rows = order.lines.order_by("position")
    return list(rows.values_list("phone_number__status", "stock_number__status"))


def booked(tenant):
    rows = LedgerEntry.objects.for_tenant(tenant).exclude(kind="top_up")
    return sorted((row.kind, row.amount) for row in rows)


def test_a_quote_is_the_price_of_now_and_is_kept_on_the_lines(rich, now):
    order = make_order(rich, StockNumberFactory(), StockNumberFactory())
    price = orders.quote_order(order.pk, now=now)
    assert (price.once, price.monthly, price.currency) == (2, 4, "EUR")
    OfferFactory(
        tenant=rich.tenant,
        stock_number=order.lines.first().stock_number,
        setup_price=0,
        monthly_price=Decimal("0.50"),
    )
    price = orders.quote_order(order.pk, now=now)
    assert (price.once, price.monthly) == (1, Decimal("2.50"))
    assert orders.price_on_lines(order) == price


def test_a_quote_keeps_the_numbers_a_little_longer(rich, now, settings):
    order = make_order(rich, hold_until=now + timedelta(seconds=5))
    orders.quote_order(order.pk, now=now)
    order.refresh_from_db()
    grace = timedelta(seconds=settings.NUMBER_ORDER_GRACE_SECONDS)
    assert order.hold_until == order.reservations.get().expires_at == now + grace


def test_a_hold_that_ran_out_is_taken_again_where_nobody_came(rich, mallory, now):
    order = make_order(rich, created_at=now - timedelta(days=2), hold_until=now)
    orders.quote_order(order.pk, now=now)
    assert Reservation.objects.live(now).get().order == order
    lost = make_order(rich, created_at=now - timedelta(days=2), hold_until=now)
    lost.reservations.update(released_at=now)
    ReservationFactory(tenant=mallory.tenant, stock_number=lost.lines.get().stock_number)
    with pytest.raises(NumberUnavailable, match="1 of 1") as caught:
        orders.quote_order(lost.pk, now=now)
    assert "somebody else" in caught.value.problems[0].message


@pytest.mark.parametrize("ask", [orders.quote_order, "place"])
def test_what_is_missing_stops_it_and_changes_nothing(rich, ask):
    order = make_order(rich, StockNumberFactory(requires_documents=True))
    RequirementFactory(requirement_set=RequirementSetFactory(), name="Identity")
    with pytest.raises(RequirementsMissing) as caught:
        place(order) if ask == "place" else ask(order.pk)
    assert "Identity" in caught.value.problems[0].message
    assert statuses(order) == [(None, "available")]
    assert booked(rich.tenant) == []


def test_what_the_balance_does_not_pay_is_not_bought(alice):
    PriceFactory(setup=1, monthly=2)
    LedgerEntryFactory(tenant=alice.tenant, amount=Decimal("2.99"))
    order = make_order(alice)
    with pytest.raises(BalanceTooLow):
        orders.quote_order(order.pk)
    with pytest.raises(BalanceTooLow):
        place(order)
    assert statuses(order) == [(None, "available")]
    assert not CarrierOperation.objects.exists()


def test_a_placed_order_is_numbers_charges_and_one_request(rich, now):
    trunk = TrunkFactory(tenant=rich.tenant)
    order = make_order(rich, StockNumberFactory(is_demo=True), StockNumberFactory(), trunk=trunk)
    placed = place(order, now=now)
    assert (placed.state, placed.placed_at) == ("placed", now)
    assert statuses(order) == [("provisioning", "sold")] * 2
    number = PhoneNumber.objects.for_tenant(rich.tenant).get(is_demo=True)
    assert (number.trunk, number.monthly_price, number.renews_at) == (trunk, 2, None)
    assert booked(rich.tenant) == [("number_monthly", -2)] * 2 + [("number_setup", -1)] * 2
    assert not Reservation.objects.live(now).exists()
    operation = orders.order_operation(order.pk)
    assert (operation.kind, operation.payload) == ("order_numbers", {"order_id": str(order.pk)})
    asked = OrderOutcome().request(operation)
    assert list(asked.numbers) == [line.e164 for line in order.lines.order_by("position")]


def test_placed_twice_it_is_placed_once(rich):
    order = make_order(rich)
    first = place(order)
    assert place(order).placed_at == first.placed_at
    assert orders.quote_order(order.pk).first_charge.amount == 3
    assert (PhoneNumber.objects.count(), CarrierOperation.objects.count()) == (1, 1)
    assert balance(rich.tenant).amount == 97


def test_only_what_was_approved_is_paid(rich):
    order = make_order(rich)
    price = orders.price_on_lines(order)
    order.lines.update(monthly_price=5)
    with pytest.raises(OrderPriceChanged):
        orders.place_order(order.pk, price=price)
    assert booked(rich.tenant) == []


def test_what_costs_nothing_is_not_booked(rich):
    order = make_order(rich)
    order.lines.update(setup_price=0)
    place(order)
    assert booked(rich.tenant) == [("number_monthly", -2)]


def test_a_lost_number_is_not_bought(rich):
    kept, lost = StockNumberFactory(), StockNumberFactory()
    order = make_order(rich, kept, lost)
    StockNumber.objects.filter(pk=lost.pk).update(status="sold")
    with pytest.raises(NumberUnavailable, match="1 of 2"):
        place(order)
    assert not PhoneNumber.objects.exists()


def test_a_withdrawn_draft_frees_its_numbers_and_is_never_bought(rich, now):
    order = make_order(rich)
    assert orders.withdraw_order(order.pk, now=now).state == "withdrawn"
    assert orders.withdraw_order(order.pk).finished_at == now
    assert not Reservation.objects.live(now).exists()
    for ask in (place, lambda order: orders.quote_order(order.pk)):
        with pytest.raises(NumberUnavailable, match="withdrawn"):
            ask(order)
    assert not PhoneNumber.objects.exists()


def test_a_placed_order_is_not_withdrawn(rich):
    order = make_order(rich)
    place(order)
    assert orders.withdraw_order(order.pk).state == "placed"
    assert statuses(order) == [("provisioning", "sold")]


def test_forgotten_drafts_are_withdrawn(rich, now, settings):
    grace = timedelta(seconds=settings.NUMBER_ORDER_GRACE_SECONDS)
    made = {"created_at": now - timedelta(days=2)}
    forgotten = make_order(rich, hold_until=now - grace, **made)
    ending = make_order(rich, hold_until=now - grace / 2, **made)
    placed = make_order(rich, state="placed", hold_until=now - grace, **made)
    assert tasks.withdraw_forgotten_orders() == 1
    assert tasks.withdraw_forgotten_orders() == 0
    states = {order: NumberOrder.objects.get(pk=order.pk).state for order in (forgotten, ending)}
    assert states == {forgotten: "withdrawn", ending: "draft"}
    placed.refresh_from_db()
    assert placed.state == "placed"


def test_done_numbers_are_active_and_the_requester_is_told(rich):
    order = make_order(rich)
    place(order)
    operation = orders.order_operation(order.pk)
    OrderOutcome().accepted(operation, RECEIPT)
    assert statuses(order) == [("provisioning", "sold")]
    OrderOutcome().done(operation, RECEIPT)
    OrderOutcome().done(operation, RECEIPT)
    order.refresh_from_db()
    number = PhoneNumber.objects.get()
    assert (order.state, number.status) == ("completed", "active")
    assert number.renews_at == one_month_after(order.finished_at)
    assert Notice.objects.get().user == rich.user
    assert Event.objects.get().kind == "order.completed"
    OrderOutcome().failed(operation, CarrierRejectedError("No."))
    assert statuses(order) == [("active", "sold")]


@pytest.mark.parametrize(
    ("error", "is_uncertain", "stock"),
    [
        (CarrierRejectedError("Their words."), False, "available"),
        (CarrierUnavailableError("Their words."), True, "reserved"),
    ],
)
def test_a_failed_order_gives_everything_back(rich, error, is_uncertain, stock):
    order = make_order(rich, trunk=TrunkFactory(tenant=rich.tenant))
    place(order)
    operation = orders.order_operation(order.pk)
    operation.is_uncertain = is_uncertain
    OrderOutcome().failed(operation, error)
    OrderOutcome().failed(operation, error)
    order.refresh_from_db()
    assert (order.state, order.error_code) == ("failed", error.code)
    assert "Their words" not in order.error_message
    assert statuses(order) == [("released", stock)]
    assert balance(rich.tenant).amount == 100
    assert Notice.objects.get().body == order.error_message
    assert Event.objects.get().kind == "order.failed"
    # A report that comes too late brings nothing back to life.
    OrderOutcome().done(operation, RECEIPT)
    assert statuses(order) == [("released", stock)]


@pytest.mark.parametrize(
    ("day", "renewal"),
    [
        (datetime(2026, 1, 31, 9, tzinfo=UTC), datetime(2026, 2, 28, 9, tzinfo=UTC)),
        (datetime(2026, 12, 15, tzinfo=UTC), datetime(2027, 1, 15, tzinfo=UTC)),
        (datetime(2028, 1, 30, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_month_later_is_a_day_that_exists(day, renewal):
    assert one_month_after(day) == renewal
