"""Buying numbers: drafted as an order that holds them, placed once a person has agreed."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from approvals.models import Approval
from approvals.policies import terms_of
from approvals.presentation import CostLine, Presentation
from approvals.quotes import Quote
from approvals.services import request_approval
from cliqtel_portal import phone
from cliqtel_portal.billing.services import balance_shortage
from cliqtel_portal.carriers.errors import CarrierUnavailableError
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.carriers.services import perform
from cliqtel_portal.countries import country_name
from cliqtel_portal.deeds.requester import Requester
from cliqtel_portal.errors import Problem
from cliqtel_portal.money import Money
from cliqtel_portal.number_types import NumberType
from cliqtel_portal.numbers.errors import OrderFailed
from cliqtel_portal.numbers.order_models import NumberOrder, OrderLine
from cliqtel_portal.numbers.services import order_drafts, orders
from cliqtel_portal.numbers.services.order_checks import LinePrice, OrderPrice

ACTION = "purchase_number"
# So many lines are read one by one; more are counted by country and type.
_MAX_LINES_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class Drafted:
    """An order and the approval that decides it; neither after a dry run."""

    draft: order_drafts.DraftedOrder
    approval: Approval | None


@transaction.atomic
def draft_order(
    requester: Requester,
    *,
    numbers: Sequence[str] = (),
    offer_ids: Sequence[uuid.UUID] = (),
    trunk_id: uuid.UUID | None = None,
    reason_text: str = "",
    dry_run: bool = False,
    now: datetime | None = None,
) -> Drafted:
    """The numbers are held, and a person is asked whether to buy them.

    `numbers` as people write them, in international form. Missing requirements or money don't
    prevent the draft, but its approval; see `draft.problems`.

    Raises:
        NotPermitted: the requester may not draft in this tenant.
        PortalError: as `numbers.services.order_drafts.draft_order`.
    """
    tenant = requester.tenant
    now = now or timezone.now()
    draft = order_drafts.draft_order(
        tenant,
        user=requester.user,
        numbers=[_e164(number) for number in numbers],
        offer_ids=offer_ids,
        trunk_id=trunk_id,
        hold_seconds=terms_of(tenant, ACTION).expires_seconds,
        dry_run=dry_run,
        now=now,
    )
    if draft.order is None:
        return Drafted(draft=draft, approval=None)
    approval = request_approval(
        tenant,
        requester=requester.user,
        action=ACTION,
        title=_title(draft.lines),
        summary=_summary(draft),
        arguments={
            "order_id": str(draft.order.pk),
            "numbers": [line.e164 for line in draft.lines],
            "trunk_id": str(trunk_id) if trunk_id else None,
        },
        artifact_id=draft.order.pk,
        quote=_quote(draft.price),
        reason_text=reason_text,
        token_id=requester.token_id,
        token_label=requester.token_label,
        client_label=requester.client_label,
        call_id=requester.call_id,
        now=now,
    )
    return Drafted(draft=draft, approval=approval)


def problems_of(approval: Approval) -> tuple[Problem, ...]:
    """What keeps the order from being bought now; nothing where it is decided or over."""
    order = NumberOrder.objects.select_related("tenant").get(pk=_order_id(approval))
    if approval.status != Approval.Status.PENDING or order.state != NumberOrder.State.DRAFT:
        return ()
    quote = approval.price
    shortage = balance_shortage(order.tenant, quote.first_charge) if quote else ""
    found = orders.order_problems(order)
    return (*found, Problem(field="balance", message=shortage)) if shortage else found


def prices_of(approval: Approval) -> Mapping[str, LinePrice]:
    """What each number of the order costs at its last quote, as they were asked for."""
    order = NumberOrder.objects.get(pk=_order_id(approval))
    return {
        line.e164: LinePrice(
            setup=line.setup_money(order.currency), monthly=line.monthly_money(order.currency)
        )
        for line in order.lines.order_by("position")
    }


class PurchaseNumber:
    """The executor: see `approvals.executors.Executor`."""

    def recheck(self, approval: Approval) -> Quote | None:
        return _quote(orders.quote_order(_order_id(approval)))

    def execute(self, approval: Approval, idempotency_key: str) -> Mapping[str, Any]:
        """The order itself is what happens once: the key belongs to the same approval."""
        quote = approval.price
        if quote is None:
            raise LookupError(f"approval {approval.pk} has no price")
        order = orders.place_order(
            _order_id(approval),
            price=OrderPrice(once=quote.once, monthly=quote.monthly, currency=quote.currency),
        )
        operation = orders.order_operation(order.pk)
        if operation.state == CarrierOperation.State.PENDING:
            operation = perform(operation.pk)
        if operation.state == CarrierOperation.State.PENDING:
            raise CarrierUnavailableError(
                "The carrier does not answer at the moment. The order is placed and tried again."
            )
        order.refresh_from_db()
        if order.state == NumberOrder.State.FAILED:
            raise _failure(order)
        return {
            "order_id": str(order.pk),
            "status": "completed" if order.state == NumberOrder.State.COMPLETED else "provisioning",
            "numbers": [
                {"number": line.e164, "status": line.phone_number.status}
                for line in _lines(order)
                if line.phone_number is not None
            ],
        }

    def withdraw(self, approval: Approval) -> None:
        orders.withdraw_order(_order_id(approval))

    def present(self, approval: Approval) -> Presentation:
        order = NumberOrder.objects.select_related("tenant", "trunk").get(pk=_order_id(approval))
        lines = _lines(order)
        return Presentation(
            consequences=tuple(_consequences(approval, order, len(lines))),
            lines=_cost_lines(lines, order.currency),
            missing=tuple(problem.message for problem in problems_of(approval)),
            template="deeds/_purchase.html",
            context={"lines": lines, "is_held": order.state == NumberOrder.State.DRAFT},
        )


deed = PurchaseNumber()


def _e164(text: str) -> str:
    """What is no number stays as it is: the draft tells of all that are wrong."""
    try:
        return phone.normalise(text)
    except phone.NotANumber:
        return text


def _failure(order: NumberOrder) -> OrderFailed:
    error = OrderFailed(order.error_message)
    error.code = order.error_code
    return error


def _order_id(approval: Approval) -> uuid.UUID:
    return uuid.UUID(approval.arguments["order_id"])


def _lines(order: NumberOrder) -> list[OrderLine]:
    return list(order.lines.select_related("stock_number", "phone_number").order_by("position"))


def _quote(price: OrderPrice) -> Quote:
    return Quote(once=price.once, monthly=price.monthly, currency=price.currency)


def _counted(count: int, country: str, number_type: str) -> str:
    kind = f"{country_name(country)}, {NumberType(number_type).label.lower()}"
    return f"{kind}: {count} {'number' if count == 1 else 'numbers'}"


def _title(lines: Sequence[order_drafts.DraftedLine]) -> str:
    if len(lines) == 1:
        return f"Buy {phone.display(lines[0].e164)}"
    countries = {line.country for line in lines}
    if len(countries) == 1:
        return f"Buy {len(lines)} numbers ({country_name(countries.pop())})"
    return f"Buy {len(lines)} numbers in {len(countries)} countries"


def _summary(draft: order_drafts.DraftedOrder) -> str:
    kinds = Counter((line.country, line.number_type) for line in draft.lines)
    parts = [_counted(count, *kind) for kind, count in kinds.items()]
    connected = f"; connected to trunk “{draft.trunk_name}”" if draft.trunk_name else ""
    return f"{'; '.join(parts)}{connected}."


def _consequences(approval: Approval, order: NumberOrder, count: int) -> list[str]:
    quote = approval.price
    is_one = count == 1
    bought = "1 number is bought" if is_one else f"{count} numbers are bought"
    until = "it is released" if is_one else "they are released"
    sentences = []
    if quote is not None:
        once = Money(amount=quote.once, currency=quote.currency)
        monthly = Money(amount=quote.monthly, currency=quote.currency)
        sentences = [
            f"{bought} and {quote.first_charge} is charged at once: "
            + (f"{once} to set up and {monthly} for" if quote.once else "it pays")
            + " the first month.",
            f"{monthly} a month follows, until {until}.",
        ]
    if order.trunk is not None:
        sentences.append(f"Calls go to trunk “{order.trunk.name}”.")
    else:
        who = "It leads nowhere until it is" if is_one else "They lead nowhere until they are"
        sentences.append(f"{who} connected to a trunk or a call flow.")
    return sentences


def _cost_lines(lines: Sequence[OrderLine], currency: str) -> tuple[CostLine, ...]:
    if len(lines) <= _MAX_LINES_SHOWN:
        return tuple(
            CostLine(
                label=phone.display(line.e164),
                once=line.setup_money(currency),
                monthly=line.monthly_money(currency),
            )
            for line in lines
        )
    groups: dict[tuple[str, str], list[OrderLine]] = {}
    for line in lines:
        stock = line.stock_number
        groups.setdefault((stock.country, stock.number_type), []).append(line)
    nothing = Money(amount=lines[0].setup_price * 0, currency=currency)
    return tuple(
        CostLine(
            label=_counted(len(group), *kind),
            once=sum((line.setup_money(currency) for line in group), nothing),
            monthly=sum((line.monthly_money(currency) for line in group), nothing),
        )
        for kind, group in groups.items()
    )
