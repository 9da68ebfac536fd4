"""The life of an order after its draft: quoted again, placed once, or withdrawn."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cliqtel_portal import phone
from cliqtel_portal.billing.models import LedgerEntry
from cliqtel_portal.billing.services import hold_account, record_entry, require_balance
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.carriers.services import enqueue
from cliqtel_portal.errors import Problem
from cliqtel_portal.money import Money
from cliqtel_portal.numbers.errors import (
    NumberUnavailable,
    OrderPriceChanged,
    RequirementsMissing,
)
from cliqtel_portal.numbers.models import PhoneNumber, Reservation, StockNumber
from cliqtel_portal.numbers.order_models import NumberOrder, OrderLine
from cliqtel_portal.numbers.services.holds import hold, locked_stock, obstacles
from cliqtel_portal.numbers.services.order_checks import (
    LinePrice,
    OrderPrice,
    missing_requirements,
    prices_of,
)

State = NumberOrder.State


@transaction.atomic
def quote_order(order_id: uuid.UUID, *, now: datetime | None = None) -> OrderPrice:
    """What the order costs now is on its lines, and its numbers are held for a while longer.

    Of an order that is no draft any more: what it cost.

    Raises:
        NumberUnavailable: it was withdrawn, or numbers were lost; `problems` names each.
        RequirementsMissing: regulators ask for more; `problems` names each.
        BalanceTooLow: the account does not hold the first charge.
    """
    now = now or timezone.now()
    order = _locked_with_account(order_id)
    if order.state not in {State.DRAFT, State.WITHDRAWN}:
        return price_on_lines(order)
    lines, stock = _lines_and_stock(order)
    _require_numbers(order, lines, stock, now)
    prices = prices_of(order.tenant, stock, at=now)
    price = _reprice(order, lines, prices)
    _require_requirements(order, stock, now)
    require_balance(order.tenant, price.first_charge)
    grace = timedelta(seconds=settings.NUMBER_ORDER_GRACE_SECONDS)
    order.hold_until = max(order.hold_until, now + grace)
    order.currency = price.currency
    order.save(update_fields=["hold_until", "currency"])
    hold(order.tenant, stock, order=order, at=now, until=order.hold_until)
    return price


@transaction.atomic
def place_order(
    order_id: uuid.UUID, *, price: OrderPrice, now: datetime | None = None
) -> NumberOrder:
    """The numbers are the tenant's, charged, and owed by the carrier. Once: again it does nothing.

    `price` is what was approved. Nothing is asked of the carrier yet: `order_operation` is.

    Raises:
        NumberUnavailable, RequirementsMissing, BalanceTooLow: as for `quote_order`.
        OrderPriceChanged: the lines cost something else than was approved.
    """
    now = now or timezone.now()
    order = _locked_with_account(order_id)
    if order.state in {State.PLACED, State.COMPLETED, State.FAILED}:
        return order
    lines, stock = _lines_and_stock(order)
    _require_numbers(order, lines, stock, now)
    if price_on_lines(order) != price:
        raise OrderPriceChanged("The price changed after the approval. Nothing was bought.")
    _require_requirements(order, stock, now)
    require_balance(order.tenant, price.first_charge)
    _become_numbers(order, lines, {number.pk: number for number in stock}, now)
    StockNumber.objects.filter(pk__in=[number.pk for number in stock]).update(
        status=StockNumber.Status.SOLD
    )
    Reservation.objects.unreleased().filter(order=order).update(released_at=now)
    for line in lines:
        _charge(order, line, now)
    order.state = State.PLACED
    order.placed_at = now
    order.save(update_fields=["state", "placed_at"])
    enqueue(
        order.tenant,
        kind=CarrierOperation.Kind.ORDER_NUMBERS,
        idempotency_key=_operation_key(order_id),
        payload={"order_id": str(order.pk)},
    )
    return order


@transaction.atomic
def withdraw_order(order_id: uuid.UUID, *, now: datetime | None = None) -> NumberOrder:
    """The draft will not be bought and its numbers are free; what is no draft stays as it is."""
    now = now or timezone.now()
    order = _locked(order_id)
    if order.state == State.DRAFT:
        order.state = State.WITHDRAWN
        order.finished_at = now
        order.save(update_fields=["state", "finished_at"])
        Reservation.objects.unreleased().filter(order=order).update(released_at=now)
    return order


def withdraw_lapsed_orders(*, now: datetime | None = None, limit: int = 200) -> int:
    """Drafts whose hold ended a while ago are withdrawn; return how many. A transaction for each.

    Whoever drafted them withdraws at their end: these are what was forgotten.
    """
    now = now or timezone.now()
    ended = now - timedelta(seconds=settings.NUMBER_ORDER_GRACE_SECONDS)
    ids = list(NumberOrder.objects.lapsed(ended).values_list("pk", flat=True)[:limit])
    return sum(withdraw_order(pk, now=now).state == State.WITHDRAWN for pk in ids)


def order_operation(order_id: uuid.UUID) -> CarrierOperation:
    """What is asked of the carrier for a placed order."""
    return CarrierOperation.objects.get(
        kind=CarrierOperation.Kind.ORDER_NUMBERS, idempotency_key=_operation_key(order_id)
    )


def price_on_lines(order: NumberOrder) -> OrderPrice:
    """What the order cost when it was last quoted."""
    lines = order.lines.all()
    return OrderPrice.total(
        (
            LinePrice(
                setup=line.setup_money(order.currency), monthly=line.monthly_money(order.currency)
            )
            for line in lines
        ),
        order.currency,
    )


def order_problems(order: NumberOrder, *, now: datetime | None = None) -> tuple[Problem, ...]:
    """What keeps a draft from being bought now: numbers lost, requirements. Locks nothing."""
    now = now or timezone.now()
    lines = list(order.lines.select_related("stock_number").order_by("position"))
    stock = [line.stock_number for line in lines]
    lost = obstacles(order.tenant, stock, order=order, at=now)
    return (
        *(Problem(field="numbers", message=message) for message in lost.values()),
        *missing_requirements(order.tenant, stock, at=now),
    )


def _operation_key(order_id: uuid.UUID) -> str:
    return f"order:{order_id}"


def _locked(order_id: uuid.UUID) -> NumberOrder:
    rows = NumberOrder.objects.select_for_update(of=("self",)).select_related("tenant")
    return rows.get(pk=order_id)


def _locked_with_account(order_id: uuid.UUID) -> NumberOrder:
    """In the order that `holds` asks for: the account, then the order."""
    hold_account(NumberOrder.objects.select_related("tenant").get(pk=order_id).tenant)
    return _locked(order_id)


def _lines_and_stock(order: NumberOrder) -> tuple[list[OrderLine], list[StockNumber]]:
    lines = list(order.lines.order_by("position"))
    return lines, locked_stock([line.stock_number_id for line in lines])


def _require_numbers(
    order: NumberOrder, lines: Sequence[OrderLine], stock: Sequence[StockNumber], now: datetime
) -> None:
    if order.state == State.WITHDRAWN:
        raise NumberUnavailable(
            "This draft was withdrawn, and its numbers are free again. Draft another order."
        )
    lost = obstacles(order.tenant, stock, order=order, at=now)
    if lost:
        raise NumberUnavailable(
            f"{len(lost)} of {len(lines)} numbers can't be had any more. Nothing was bought; "
            "draft another order.",
            problems=[
                Problem(field=f"numbers.{index}", message=lost[line.stock_number_id])
                for index, line in enumerate(lines)
                if line.stock_number_id in lost
            ],
        )


def _require_requirements(order: NumberOrder, stock: Sequence[StockNumber], now: datetime) -> None:
    missing = missing_requirements(order.tenant, stock, at=now)
    if missing:
        raise RequirementsMissing(
            "Regulators ask for more before these numbers can be bought. Send it to "
            "Cliqtel support; the draft waits.",
            problems=missing,
        )


def _reprice(
    order: NumberOrder, lines: Sequence[OrderLine], prices: Mapping[uuid.UUID, LinePrice]
) -> OrderPrice:
    unpriced = [line for line in lines if line.stock_number_id not in prices]
    currencies = {price.monthly.currency for price in prices.values()}
    if unpriced or len(currencies) > 1:
        raise NumberUnavailable(
            "These numbers can't be had together any more. Draft another order.",
            problems=[
                Problem(field="numbers", message=f"{phone.display(line.e164)} has no price.")
                for line in unpriced
            ],
        )
    for line in lines:
        line.setup_price = prices[line.stock_number_id].setup.amount
        line.monthly_price = prices[line.stock_number_id].monthly.amount
    OrderLine.objects.bulk_update(lines, ["setup_price", "monthly_price"])
    return OrderPrice.total((prices[line.stock_number_id] for line in lines), currencies.pop())


def _become_numbers(
    order: NumberOrder,
    lines: Sequence[OrderLine],
    stock: Mapping[uuid.UUID, StockNumber],
    now: datetime,
) -> None:
    for line in lines:
        number = stock[line.stock_number_id]
        line.phone_number = PhoneNumber(
            tenant=order.tenant,
            e164=number.e164,
            country=number.country,
            number_type=number.number_type,
            area=number.area,
            area_code=number.area_code,
            capabilities=number.capabilities,
            status=PhoneNumber.Status.PROVISIONING,
            trunk_id=order.trunk_id,
            monthly_price=line.monthly_price,
            currency=order.currency,
            is_demo=number.is_demo,
            created_at=now,
        )
    PhoneNumber.objects.bulk_create(
        [line.phone_number for line in lines if line.phone_number is not None]
    )
    OrderLine.objects.bulk_update(lines, ["phone_number"])


def _charge(order: NumberOrder, line: OrderLine, now: datetime) -> None:
    """Booked by the line: a second time is the first. What costs nothing is not booked."""
    shown = phone.display(line.e164)
    for kind, money, description in (
        (LedgerEntry.Kind.NUMBER_SETUP, line.setup_money(order.currency), f"{shown}, set-up"),
        (
            LedgerEntry.Kind.NUMBER_MONTHLY,
            line.monthly_money(order.currency),
            f"{shown}, first month",
        ),
    ):
        if money.amount:
            record_entry(
                order.tenant,
                kind=kind,
                reference=f"order-line:{line.pk}",
                money=Money(amount=-money.amount, currency=money.currency),
                description=description,
                occurred_at=now,
            )
