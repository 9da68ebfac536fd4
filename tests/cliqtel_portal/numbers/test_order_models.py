"""What the database holds about orders, whatever the code does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from cliqtel_portal.numbers.models import Reservation
from cliqtel_portal.numbers.order_models import NumberOrder, OrderLine
from tests.factories.numbers import PhoneNumberFactory, ReservationFactory, StockNumberFactory
from tests.factories.orders import make_order
from tests.factories.trunks import TrunkFactory

STATES = ["draft", "placed", "completed", "failed", "withdrawn"]
ALLOWED = {
    ("draft", "placed"),
    ("draft", "withdrawn"),
    ("placed", "completed"),
    ("placed", "failed"),
}


def move(order, state):
    now = timezone.now()
    values = {
        "state": state,
        "placed_at": now if state in {"placed", "completed", "failed"} else None,
        "finished_at": now if state in {"completed", "failed", "withdrawn"} else None,
        "error_code": "carrier_rejected" if state == "failed" else "",
        "error_message": "No." if state == "failed" else "",
    }
    if order.placed_at is not None:
        values["placed_at"] = order.placed_at
    NumberOrder.objects.filter(pk=order.pk).update(**values)


@pytest.mark.parametrize("source", STATES)
def test_states_move_by_the_table_only(alice, source):
    order = make_order(alice, state=source)
    reached = set()
    for target in STATES:
        if target == source:
            continue
        try:
            with transaction.atomic():
                move(order, target)
                reached.add((source, target))
                raise _Undo
        except (DatabaseError, _Undo):
            pass
    assert reached == {pair for pair in ALLOWED if pair[0] == source}


class _Undo(Exception):
    pass


def test_an_order_begins_as_a_draft_and_is_never_deleted(alice):
    with pytest.raises(DatabaseError, match="begins as a draft"), transaction.atomic():
        NumberOrder.objects.create(
            tenant=alice.tenant,
            requested_by=alice.user,
            state="placed",
            currency="EUR",
            placed_at=timezone.now(),
            hold_until=timezone.now() + timedelta(hours=1),
        )
    order = make_order(alice)
    Reservation.objects.update(order=None)
    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic():
        OrderLine.objects.all().delete()
    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic():
        NumberOrder.objects.filter(pk=order.pk)._raw_delete("default")


def test_what_was_ordered_is_frozen(alice, bob, mallory):
    order = make_order(alice)
    for change in (
        {"tenant": mallory.tenant},
        {"requested_by": bob.user},
        {"trunk": TrunkFactory(tenant=alice.tenant)},
    ):
        with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
            NumberOrder.objects.filter(pk=order.pk).update(**change)
    for line_change in ({"stock_number": StockNumberFactory()}, {"e164": "+31205550000"}):
        with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
            order.lines.update(**line_change)


def test_a_price_moves_only_while_it_is_a_draft(alice):
    draft, placed = make_order(alice), make_order(alice, state="placed")
    assert draft.lines.update(setup_price=5) == 1
    with pytest.raises(DatabaseError, match="price is frozen"), transaction.atomic():
        placed.lines.update(setup_price=5)
    with pytest.raises(DatabaseError, match="order is frozen"), transaction.atomic():
        NumberOrder.objects.filter(pk=placed.pk).update(currency="USD")
    with pytest.raises(DatabaseError, match="gets no lines"), transaction.atomic():
        OrderLine.objects.create(
            order=placed,
            position=2,
            stock_number=StockNumberFactory(),
            e164="+31205550000",
            setup_price=0,
            monthly_price=0,
        )


def test_nothing_of_another_tenant_is_part_of_an_order(alice, mallory):
    foreign = TrunkFactory(tenant=mallory.tenant)
    with pytest.raises(IntegrityError, match="own tenant"), transaction.atomic():
        make_order(alice, trunk=foreign)
    order = make_order(alice)
    line = order.lines.get()
    with pytest.raises(IntegrityError, match="own tenant"), transaction.atomic():
        order.lines.update(phone_number=PhoneNumberFactory(tenant=mallory.tenant, e164=line.e164))
    with pytest.raises(IntegrityError, match="own number"), transaction.atomic():
        order.lines.update(phone_number=PhoneNumberFactory(tenant=alice.tenant))
    with pytest.raises(IntegrityError, match="same tenant"), transaction.atomic():
        ReservationFactory(tenant=mallory.tenant, order=order)
