"""What a carrier tells by itself, in our words, and who listens. Webhooks translate into these.

`carrier`, the slug, is filled in where a report is received.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar


@dataclass(frozen=True, kw_only=True)
class DeliveryReport:
    """What became of a message. `reference` is that of the carrier's receipt for it."""

    reference: str
    status: Literal["delivered", "undelivered"]
    # The carrier's, in our words: lower case and underscores; empty where it is delivered.
    error_code: str = ""
    carrier: str = ""


@dataclass(frozen=True, kw_only=True)
class InboundMessage:
    """A message for one of our numbers. May come again: `carrier_message_id` tells."""

    carrier_message_id: str
    channel: Literal["sms", "whatsapp"]
    from_number: str
    to_number: str
    text: str = field(repr=False)
    carrier: str = ""


@dataclass(frozen=True, kw_only=True)
class OperationReport:
    """How an operation that the carrier had only accepted has ended."""

    reference: str
    status: Literal["done", "failed"]
    carrier: str = ""


Report = DeliveryReport | InboundMessage | OperationReport
_Report = TypeVar("_Report", DeliveryReport, InboundMessage, OperationReport)
_listeners: dict[type[Any], Callable[[Any], object]] = {}


def register(report_type: type[_Report], listener: Callable[[_Report], object]) -> None:
    """The listener is called with each report of that type, in the transaction that records it.

    An exception of the listener rolls the record back, and the carrier sends the report again.

    Raises:
        ValueError: the type has a listener already.
    """
    if report_type in _listeners:
        raise ValueError(f"{report_type.__name__} has a listener already")
    _listeners[report_type] = listener


def dispatch(report: Report) -> None:
    """The report's listener has heard it.

    Raises:
        LookupError: there is none.
    """
    _listeners[type(report)](report)
