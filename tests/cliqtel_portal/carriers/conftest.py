from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here, as the settings say
from cliqtel_portal.carriers import outcomes
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.carriers.types import NumberOrder, NumberRelease, OutboundMessage, Receipt
from cliqtel_portal.errors import PortalError


@dataclass
class CountingHandler:
    """The rows behind an operation, as far as the outbox is concerned."""

    request_error: BaseException | None = None
    told: list[str] = field(default_factory=list)

    def request(self, operation: CarrierOperation) -> NumberOrder | NumberRelease | OutboundMessage:
        if self.request_error is not None:
            raise self.request_error
        if operation.kind == "send_message":
            return OutboundMessage(
                channel="sms",
                from_number="+31201230001",
                to_number=operation.payload.get("to", "+31612345678"),
                text="Your code is 4711",
            )
        if operation.kind == "release_number":
            return NumberRelease(number="+31201230001")
        return NumberOrder(numbers=("+31201230001",))

    def accepted(self, operation: CarrierOperation, receipt: Receipt) -> None:
        self.told.append(f"accepted {receipt.reference} {operation.state}")

    def done(self, operation: CarrierOperation, receipt: Receipt) -> None:
        self.told.append(f"done {receipt.reference} {operation.state}")

    def failed(self, operation: CarrierOperation, error: PortalError) -> None:
        uncertain = " uncertain" if operation.is_uncertain else ""
        self.told.append(f"failed {error.code} {operation.state}{uncertain}")


@pytest.fixture
def handler() -> Iterator[CountingHandler]:
    """Is told of every outcome, instead of the apps above."""
    kept = dict(outcomes._handlers)
    counting = CountingHandler()
    outcomes._handlers.update(dict.fromkeys(CarrierOperation.Kind.values, counting))
    yield counting
    outcomes._handlers.clear()
    outcomes._handlers.update(kept)
