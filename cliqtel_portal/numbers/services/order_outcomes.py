"""What the carrier made of an order. Each runs in the transaction that writes the operation's
state, and changes nothing when it comes again.
"""

from __future__ import annotations

import calendar
import logging
import uuid
from datetime import datetime

from django.utils import timezone

from cliqtel_portal import phone
from cliqtel_portal.billing.models import LedgerEntry
from cliqtel_portal.billing.services import record_entry
from cliqtel_portal.carriers import types
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.errors import PortalError
from cliqtel_portal.money import Money
from cliqtel_portal.notices.models import Notice
from cliqtel_portal.notices.services import notify, record_event
from cliqtel_portal.numbers.models import PhoneNumber, StockNumber
from cliqtel_portal.numbers.order_models import NumberOrder
from cliqtel_portal.numbers.querysets import PhoneNumberQuerySet

logger = logging.getLogger(__name__)

COMPLETED = "order.completed"
FAILED = "order.failed"
_PAGE = "/numbers/"


class OrderOutcome:
    """How an operation of the kind `order_numbers` is asked for, and what comes of it."""

    def request(self, operation: CarrierOperation) -> types.NumberOrder:
        """All numbers of the order, in their order."""
        lines = NumberOrder.objects.get(pk=_order_id(operation)).lines.order_by("position")
        return types.NumberOrder(numbers=tuple(lines.values_list("e164", flat=True)))

    def accepted(self, operation: CarrierOperation, receipt: types.Receipt) -> None:
        """The carrier works on it: the numbers stay as they are, provisioning."""

    def done(self, operation: CarrierOperation, receipt: types.Receipt) -> None:
        """The numbers work, and renew in a month."""
        order = _locked(operation)
        if order.state != NumberOrder.State.PLACED:
            if order.state != NumberOrder.State.COMPLETED:
                logger.error("order %s is %s, and its carrier did it", order.pk, order.state)
            return
        now = timezone.now()
        _numbers(order).filter(status=PhoneNumber.Status.PROVISIONING).update(
            status=PhoneNumber.Status.ACTIVE, renews_at=one_month_after(now)
        )
        order.state = NumberOrder.State.COMPLETED
        order.finished_at = now
        order.save(update_fields=["state", "finished_at"])
        notify(
            order.tenant,
            user=order.requested_by,
            level=Notice.Level.SUCCESS,
            title=f"{_counted(order)} active",
            link=_PAGE,
        )
        record_event(order.tenant, kind=COMPLETED, payload={"order_id": str(order.pk)})

    def failed(self, operation: CarrierOperation, error: PortalError) -> None:
        """The numbers are not the tenant's any more and the money is back.

        What the carrier surely has not delivered can be sold to others. Where nobody knows, the
        numbers are withheld until staff do.
        """
        order = _locked(operation)
        if order.state != NumberOrder.State.PLACED:
            return
        now = timezone.now()
        numbers = _numbers(order)
        e164s = list(numbers.values_list("e164", flat=True))
        numbers.update(
            status=PhoneNumber.Status.RELEASED,
            trunk=None,
            call_flow=None,
            emergency_state=PhoneNumber.EmergencyState.NONE,
            emergency_address=None,
            quarantine_until=None,
        )
        refused = not operation.is_uncertain
        StockNumber.objects.filter(e164__in=e164s).update(
            status=StockNumber.Status.AVAILABLE if refused else StockNumber.Status.RESERVED
        )
        _refund(order, now)
        order.state = NumberOrder.State.FAILED
        order.finished_at = now
        order.error_code = error.code
        order.error_message = _REFUSED if refused else _UNANSWERED
        order.save(update_fields=["state", "finished_at", "error_code", "error_message"])
        notify(
            order.tenant,
            user=order.requested_by,
            level=Notice.Level.ERROR,
            title=f"{_counted(order)} not delivered",
            body=order.error_message,
            link=_PAGE,
        )
        record_event(order.tenant, kind=FAILED, payload={"order_id": str(order.pk)})


_REFUSED = (
    "The carrier refused the order. Nothing was bought and the money is back on the account; "
    "choose other numbers."
)
_UNANSWERED = (
    "The carrier gave no answer for too long. The order was ended and the money is back on the "
    "account; choose other numbers, or ask support."
)


def one_month_after(moment: datetime) -> datetime:
    """The same day of the next month, or its last one."""
    year, month = divmod(moment.year * 12 + moment.month, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _order_id(operation: CarrierOperation) -> uuid.UUID:
    return uuid.UUID(operation.payload["order_id"])


def _locked(operation: CarrierOperation) -> NumberOrder:
    rows = NumberOrder.objects.select_for_update(of=("self",))
    return rows.select_related("tenant", "requested_by").get(pk=_order_id(operation))


def _numbers(order: NumberOrder) -> PhoneNumberQuerySet:
    return PhoneNumber.objects.for_tenant(order.tenant).filter(order_line__order=order)


def _counted(order: NumberOrder) -> str:
    lines = list(order.lines.values_list("e164", flat=True))
    return f"{phone.display(lines[0])} is" if len(lines) == 1 else f"{len(lines)} numbers are"


def _refund(order: NumberOrder, now: datetime) -> None:
    for line in order.lines.all():
        paid = line.setup_money(order.currency) + line.monthly_money(order.currency)
        if paid.amount:
            record_entry(
                order.tenant,
                kind=LedgerEntry.Kind.REFUND,
                reference=f"order-line:{line.pk}",
                money=Money(amount=paid.amount, currency=paid.currency),
                description=f"{phone.display(line.e164)}, not delivered",
                occurred_at=now,
            )
