"""Orders of numbers, in any state, reached the way the database allows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.numbers.models import Reservation, StockNumber
from cliqtel_portal.numbers.order_models import NumberOrder, OrderLine
from tests.factories.numbers import StockNumberFactory

_ROADS = {
    "draft": [],
    "placed": ["placed"],
    "completed": ["placed", "completed"],
    "failed": ["placed", "failed"],
    "withdrawn": ["withdrawn"],
}


def make_order(
    requester: Membership, *stock: StockNumber, state: str = "draft", **fields: Any
) -> NumberOrder:
    """An order of the stock numbers (of one new one without any), held where it is a draft.

    Its lines cost 1 to set up and 2 a month.
    """
    now = timezone.now()
    order = NumberOrder.objects.create(
        tenant=requester.tenant,
        requested_by=requester.user,
        **{"currency": "EUR", "hold_until": now + timedelta(hours=24), **fields},
    )
    for position, number in enumerate(stock or (StockNumberFactory(),), start=1):
        OrderLine.objects.create(
            order=order,
            position=position,
            stock_number=number,
            e164=number.e164,
            setup_price=1,
            monthly_price=2,
        )
        if state == "draft":
            Reservation.objects.create(
                tenant=order.tenant,
                stock_number=number,
                order=order,
                created_at=order.created_at,
                expires_at=order.hold_until,
            )
    for step in _ROADS[state]:
        NumberOrder.objects.filter(pk=order.pk).update(state=step, **_values(step))
    order.refresh_from_db()
    return order


def _values(state: str) -> dict[str, Any]:
    now = timezone.now()
    match state:
        case "placed":
            return {"placed_at": now}
        case "failed":
            return {"finished_at": now, "error_code": "carrier_rejected", "error_message": "No."}
    return {"finished_at": now}
