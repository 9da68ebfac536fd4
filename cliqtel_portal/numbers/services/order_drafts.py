"""Drafting an order: the numbers are held, and everything that is wrong is told at once."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cliqtel_portal import phone
from cliqtel_portal.accounts.models import Tenant, User
from cliqtel_portal.billing.services import hold_account
from cliqtel_portal.errors import InvalidArguments, NotFound, Problem
from cliqtel_portal.numbers.errors import HoldLimitReached, NumberUnavailable
from cliqtel_portal.numbers.models import Offer, Reservation, StockNumber
from cliqtel_portal.numbers.order_models import NumberOrder, OrderLine
from cliqtel_portal.numbers.services.holds import hold, locked_stock, obstacles
from cliqtel_portal.numbers.services.order_checks import (
    LinePrice,
    OrderCheck,
    OrderPrice,
    checks_of,
    missing_requirements,
    money_missing,
    prices_of,
)

MAX_LINES = 50


@dataclass(frozen=True, kw_only=True)
class DraftedLine:
    """One number of a draft, in the order in which it was asked for."""

    e164: str
    country: str
    number_type: str
    price: LinePrice


@dataclass(frozen=True, kw_only=True)
class DraftedOrder:
    """What was drafted; after a dry run without an order. `problems` don't keep it from being
    drafted, but from being bought: requirements, balance.
    """

    order: NumberOrder | None
    lines: tuple[DraftedLine, ...]
    price: OrderPrice
    trunk_name: str
    held_until: datetime
    checks: tuple[OrderCheck, ...]
    problems: tuple[Problem, ...]


@transaction.atomic
def draft_order(
    tenant: Tenant,
    *,
    user: User,
    numbers: Sequence[str] = (),
    offer_ids: Sequence[uuid.UUID] = (),
    trunk_id: uuid.UUID | None = None,
    hold_seconds: int | None = None,
    dry_run: bool = False,
    now: datetime | None = None,
) -> DraftedOrder:
    """The numbers are held for an order that a person decides about.

    Of `numbers` (E.164) and `offer_ids` exactly one, 1 to 50 long. What the tenant has reserved
    is carried over. A dry run looks at everything and writes nothing.

    Raises:
        InvalidArguments: not one list, one twice, prices in several currencies.
        NotFound: the trunk is not the tenant's.
        NumberUnavailable: some can't be had; `problems` names each with its place in the list.
        HoldLimitReached: the tenant's drafts would hold more numbers than they may.
    """
    now = now or timezone.now()
    seconds = min(
        hold_seconds or settings.NUMBER_ORDER_HOLD_SECONDS, settings.NUMBER_ORDER_HOLD_SECONDS
    )
    held_until = now + timedelta(seconds=seconds)
    _check_lists(numbers, offer_ids)
    trunk_name = _trunk_name(tenant, trunk_id)
    hold_account(tenant)
    field = "offer_ids" if offer_ids else "numbers"
    wanted = _by_offer(tenant, offer_ids, now) if offer_ids else _by_number(numbers)
    stock = {number.pk: number for number in locked_stock({pk for pk in wanted if pk is not None})}
    prices = prices_of(tenant, list(stock.values()), at=now)
    _require_obtainable(tenant, field, numbers, wanted, stock, prices, now)
    chosen = [stock[pk] for pk in wanted if pk is not None]
    currency = _one_currency(field, [prices[number.pk] for number in chosen])
    _check_limit(tenant, len(chosen), now)
    price = OrderPrice.total((prices[number.pk] for number in chosen), currency)
    requirements = missing_requirements(tenant, chosen, at=now)
    order = None
    if not dry_run:
        order = NumberOrder.objects.create(
            tenant=tenant,
            requested_by=user,
            trunk_id=trunk_id,
            currency=currency,
            hold_until=held_until,
            created_at=now,
        )
        OrderLine.objects.bulk_create(
            [
                OrderLine(
                    order=order,
                    position=position,
                    stock_number=number,
                    e164=number.e164,
                    setup_price=prices[number.pk].setup.amount,
                    monthly_price=prices[number.pk].monthly.amount,
                )
                for position, number in enumerate(chosen, start=1)
            ]
        )
        hold(tenant, chosen, order=order, at=now, until=held_until)
    return DraftedOrder(
        order=order,
        lines=tuple(
            DraftedLine(
                e164=number.e164,
                country=number.country,
                number_type=number.number_type,
                price=prices[number.pk],
            )
            for number in chosen
        ),
        price=price,
        trunk_name=trunk_name,
        held_until=held_until,
        checks=checks_of(tenant, count=len(chosen), price=price, requirements=requirements),
        problems=(*requirements, *money_missing(tenant, price)),
    )


def _check_lists(numbers: Sequence[str], offer_ids: Sequence[uuid.UUID]) -> None:
    problems = []
    if bool(numbers) == bool(offer_ids):
        problems.append(
            Problem(field="numbers", message="Give numbers or offer_ids: one of the two.")
        )
    for field, values in (("numbers", numbers), ("offer_ids", offer_ids)):
        if len(values) > MAX_LINES:
            problems.append(
                Problem(field=field, message=f"At most {MAX_LINES} in one order; draft another.")
            )
        problems += _twice(field, values)
    problems += [
        Problem(field=f"numbers.{index}", message="Write it as +31201234567.")
        for index, number in enumerate(numbers)
        if not phone.E164.fullmatch(number)
    ]
    if problems:
        raise InvalidArguments("The order is not clear. Correct it.", problems=problems)


def _twice(field: str, values: Sequence[object]) -> list[Problem]:
    repeated = {value for value, count in Counter(values).items() if count > 1}
    return [
        Problem(field=f"{field}.{index}", message="It is in the list already. Leave it out.")
        for index, value in enumerate(values)
        if value in repeated and value in values[:index]
    ]


def _trunk_name(tenant: Tenant, trunk_id: uuid.UUID | None) -> str:
    if trunk_id is None:
        return ""
    trunk = tenant.trunks.filter(pk=trunk_id).first()
    if trunk is None:
        raise NotFound("There is no such trunk. Call list_inventory with kind trunks to see them.")
    return trunk.name


def _by_number(numbers: Sequence[str]) -> list[uuid.UUID | None]:
    """Ids of the stock in the order asked for; None: not for sale."""
    found = dict(StockNumber.objects.filter(e164__in=numbers).values_list("e164", "pk"))
    return [found.get(number) for number in numbers]


def _by_offer(
    tenant: Tenant, offer_ids: Sequence[uuid.UUID], now: datetime
) -> list[uuid.UUID | None]:
    """Ids of the stock in the order asked for; None: no such offer, or it has run out."""
    offers = Offer.objects.for_tenant(tenant).live(now).filter(pk__in=offer_ids)
    found = dict(offers.values_list("pk", "stock_number_id"))
    wanted = [found.get(offer_id) for offer_id in offer_ids]
    # Two prices promised for one number.
    problems = _twice("offer_ids", [pk or object() for pk in wanted])
    if problems:
        raise InvalidArguments("Some offers are of the same number.", problems=problems)
    return wanted


def _require_obtainable(
    tenant: Tenant,
    field: str,
    numbers: Sequence[str],
    wanted: Sequence[uuid.UUID | None],
    stock: Mapping[uuid.UUID, StockNumber],
    prices: Mapping[uuid.UUID, LinePrice],
    now: datetime,
) -> None:
    in_the_way = obstacles(tenant, list(stock.values()), at=now)
    problems = []
    for index, pk in enumerate(wanted):
        if pk is None or pk not in stock:
            message = (
                f"{phone.display(numbers[index])} is not for sale here."
                if numbers
                else "No such offer any more: offers last 15 minutes. Search again."
            )
        elif pk in in_the_way:
            message = in_the_way[pk]
        elif pk not in prices:
            message = f"{phone.display(stock[pk].e164)} has no price at the moment."
        else:
            continue
        problems.append(Problem(field=f"{field}.{index}", message=message))
    if problems:
        count = "The number" if len(wanted) == 1 else f"{len(problems)} of {len(wanted)}"
        raise NumberUnavailable(
            f"{count} can't be had. Nothing was drafted; call search_numbers to find others.",
            problems=problems,
        )


def _one_currency(field: str, prices: Sequence[LinePrice]) -> str:
    currencies = sorted({price.monthly.currency for price in prices})
    if len(currencies) > 1:
        several = " and ".join(currencies)
        raise InvalidArguments(
            f"Their prices are in {several}. Draft one order for each currency.",
            problems=[Problem(field=field, message=f"Prices in {several}.")],
        )
    return currencies[0]


def _check_limit(tenant: Tenant, count: int, now: datetime) -> None:
    limit = settings.NUMBER_ORDER_HELD_MAX
    held = Reservation.objects.for_tenant(tenant).live(now).filter(order__isnull=False).count()
    if held + count > limit:
        raise HoldLimitReached(
            f"Drafted orders of this account hold {held} numbers; with {count} more it would be "
            f"over {limit}. Decide or withdraw a draft first."
        )
