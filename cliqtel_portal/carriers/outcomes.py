"""Who knows what an operation is about, and what follows from its outcome.

The apps above register themselves, one handler for each kind; nothing here knows their rows.
"""

from __future__ import annotations

from typing import Protocol

from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.carriers.types import NumberOrder, NumberRelease, OutboundMessage, Receipt
from cliqtel_portal.errors import PortalError


class OutcomeHandler(Protocol):
    """The rows behind one kind of operation.

    `accepted`, `done` and `failed` run in the transaction that writes the operation's state, and
    once each; they send nothing over a network. After `accepted` comes one of the others.
    """

    def request(self, operation: CarrierOperation) -> NumberOrder | NumberRelease | OutboundMessage:
        """Return what to ask of the carrier, from our rows: the same each time for an operation.

        Raises:
            PortalError: it must not be asked any more: the operation fails with that error.
        """

    def accepted(self, operation: CarrierOperation, receipt: Receipt) -> None:
        """The carrier has taken it and will report the end."""

    def done(self, operation: CarrierOperation, receipt: Receipt) -> None:
        """The carrier has done it."""

    def failed(self, operation: CarrierOperation, error: PortalError) -> None:
        """It was not done and won't be; with `operation.is_uncertain` nobody knows."""


_handlers: dict[str, OutcomeHandler] = {}


def register(kind: str, handler: OutcomeHandler) -> None:
    """The handler is the one of that kind (`CarrierOperation.Kind`).

    Raises:
        ValueError: the kind has one already, or there is no such kind.
    """
    if kind not in CarrierOperation.Kind.values:
        raise ValueError(f"there are no operations of kind {kind}")
    if kind in _handlers:
        raise ValueError(f"{kind} has a handler already")
    _handlers[str(kind)] = handler


def handler_of(kind: str) -> OutcomeHandler:
    """Return the handler.

    Raises:
        LookupError: there is none: a process of another version wrote the operation.
    """
    return _handlers[kind]
