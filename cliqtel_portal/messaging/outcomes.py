"""What becomes of a queued message: the carrier took it, or did not."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from cliqtel_portal.billing.models import LedgerEntry
from cliqtel_portal.billing.services import record_entry
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.carriers.types import OutboundMessage, Receipt
from cliqtel_portal.errors import PortalError
from cliqtel_portal.messaging.errors import OptedOut
from cliqtel_portal.messaging.models import Message, OptOut
from cliqtel_portal.messaging.querysets import MessageQuerySet

Status = Message.Status


def reference_of(carrier: str, reference: str) -> str:
    """A carrier's id of a message, as rows keep it: two carriers may use the same."""
    return f"{carrier}:{reference}"


class MessageOutcomes:
    """The messages behind operations of the kind `send_message`."""

    def request(self, operation: CarrierOperation) -> OutboundMessage:
        message = _rows(operation).get()
        # Not once an attempt may have sent it: the same question again finds out.
        if not operation.is_uncertain and _said_stop(message):
            raise OptedOut("The receiver said STOP. Nothing was sent.")
        return OutboundMessage(
            channel="sms" if message.channel == Message.Channel.SMS else "whatsapp",
            from_number=message.from_number,
            to_number=message.to_number,
            text=message.body,
        )

    def accepted(self, operation: CarrierOperation, receipt: Receipt) -> None:
        self._sent(operation, receipt)

    def done(self, operation: CarrierOperation, receipt: Receipt) -> None:
        self._sent(operation, receipt)

    def failed(self, operation: CarrierOperation, error: PortalError) -> None:
        """Given back, unless the carrier may have sent it: that counts, and costs, as sent."""
        status = Status.UNDELIVERED if operation.is_uncertain else Status.REJECTED
        open_rows = _rows(operation).filter(status__in=[Status.QUEUED, Status.SENT])
        message = open_rows.select_for_update(of=("self",)).select_related("tenant").first()
        if message is None:
            return
        open_rows.update(status=status, error_code=error.code)
        if status == Status.REJECTED and message.cost:
            record_entry(
                message.tenant,
                kind=LedgerEntry.Kind.REFUND,
                reference=f"message:{message.pk}",
                money=message.cost_money,
                description=f"{message.get_channel_display()} that was not sent",
            )

    def _sent(self, operation: CarrierOperation, receipt: Receipt) -> None:
        _rows(operation).filter(status=Status.QUEUED).update(
            status=Status.SENT,
            sent_at=timezone.now(),
            carrier_reference=reference_of(operation.carrier, receipt.reference),
        )


def _rows(operation: CarrierOperation) -> MessageQuerySet:
    payload: dict[str, Any] = operation.payload
    return Message.objects.filter(tenant_id=operation.tenant_id, pk=payload["message_id"])


def _said_stop(message: Message) -> bool:
    return (
        OptOut.objects.filter(tenant_id=message.tenant_id)
        .live()
        .filter(
            our_number=message.from_number,
            peer_number=message.to_number,
            channel=message.channel,
        )
        .exists()
    )
