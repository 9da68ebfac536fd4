"""The contract of every upstream network. Each method is one request to the carrier."""

from __future__ import annotations

from abc import ABC, abstractmethod

from cliqtel_portal.carriers.types import NumberOrder, NumberRelease, OutboundMessage, Receipt


class CarrierBackend(ABC):
    """One carrier. A backend keeps no state: operations and their keys are `CarrierOperation` rows.

    Every method takes the operation's `idempotency_key`: called again with the same key it changes
    nothing more and returns the first receipt. Every method may raise CarrierUnavailableError
    (repeat it later, with the same key) or CarrierRejectedError (do not repeat it), and nothing
    else.
    """

    @abstractmethod
    def order_numbers(self, order: NumberOrder, *, idempotency_key: str) -> Receipt:
        """The numbers are ours, or will be when the receipt's operation is done."""

    @abstractmethod
    def release_number(self, release: NumberRelease, *, idempotency_key: str) -> Receipt:
        """The number goes back to the carrier."""

    @abstractmethod
    def send_message(self, message: OutboundMessage, *, idempotency_key: str) -> Receipt:
        """The carrier has the message; delivery is reported later."""
