"""The contract of every webhook: is it the carrier's, and what does it report in our words?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cliqtel_portal.carriers.reports import Report
from cliqtel_portal.errors import PortalError


class BadSignature(PortalError):
    """Not signed by the carrier, or too long ago. Nothing more is told."""

    code = "bad_signature"


class MalformedWebhook(PortalError):
    """Signed, and not what the carrier's documentation promises."""

    code = "malformed_webhook"


class UnknownReference(PortalError):
    """About a request whose receipt we don't have (yet): the carrier sends it again later."""

    code = "unknown_reference"
    retryable = True


@dataclass(frozen=True, kw_only=True)
class Event:
    """`id` is the carrier's, the same when it is sent again. No report: of a kind we don't use."""

    id: str
    report: Report | None


class CarrierWebhook(ABC):
    """One carrier's webhook. Keeps no state."""

    @abstractmethod
    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
        """The carrier sent this body, a moment ago. `headers` is case-insensitive.

        Raises:
            BadSignature: it did not, or long ago.
        """

    @abstractmethod
    def events(self, body: bytes) -> list[Event]:
        """Return what a verified body reports.

        Raises:
            MalformedWebhook: it can't be read.
        """
