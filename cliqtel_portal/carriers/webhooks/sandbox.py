"""The sandbox's webhook: signed JSON, one event in each body.

X-Sandbox-Timestamp: seconds since 1970
X-Sandbox-Signature: hex HMAC-SHA256 of "<timestamp>.<body>"
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from django.conf import settings
from django.utils.crypto import salted_hmac
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from cliqtel_portal.carriers.reports import (
    DeliveryReport,
    InboundMessage,
    OperationReport,
    Report,
)
from cliqtel_portal.carriers.webhooks.base import (
    BadSignature,
    CarrierWebhook,
    Event,
    MalformedWebhook,
)

TIMESTAMP_HEADER = "X-Sandbox-Timestamp"
SIGNATURE_HEADER = "X-Sandbox-Signature"
_MAX_TIMESTAMP_DIGITS = 12


def _without_nul(text: str) -> str:
    """PostgreSQL has no place for it: refused here, or the carrier would send it for ever."""
    if "\0" in text:
        raise ValueError("has a NUL character")
    return text


_Id = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_without_nul)]
_Number = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]


class _Read(BaseModel):
    # Fields that a carrier adds one day break nothing.
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)


class _Outcome(_Read):
    reference: _Id
    error: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{0,40}$")] = ""


class _Inbound(_Read):
    id: _Id
    channel: Literal["sms", "whatsapp"]
    from_number: _Number = Field(alias="from")
    to_number: _Number = Field(alias="to")
    text: Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_without_nul)]


class _Envelope(_Read):
    id: _Id
    type: _Id
    data: dict[str, Any]


def _delivered(data: dict[str, Any]) -> Report:
    outcome = _Outcome.model_validate(data)
    return DeliveryReport(reference=outcome.reference, status="delivered")


def _undelivered(data: dict[str, Any]) -> Report:
    outcome = _Outcome.model_validate(data)
    return DeliveryReport(
        reference=outcome.reference, status="undelivered", error_code=outcome.error
    )


def _received(data: dict[str, Any]) -> Report:
    inbound = _Inbound.model_validate(data)
    return InboundMessage(
        carrier_message_id=inbound.id,
        channel=inbound.channel,
        from_number=inbound.from_number,
        to_number=inbound.to_number,
        text=inbound.text,
    )


def _completed(data: dict[str, Any]) -> Report:
    return OperationReport(reference=_Outcome.model_validate(data).reference, status="done")


def _could_not(data: dict[str, Any]) -> Report:
    return OperationReport(reference=_Outcome.model_validate(data).reference, status="failed")


# The carrier's words, and how each is put into ours.
EVENTS: dict[str, Callable[[dict[str, Any]], Report]] = {
    "message.delivered": _delivered,
    "message.undelivered": _undelivered,
    "message.received": _received,
    "operation.completed": _completed,
    "operation.failed": _could_not,
}


@dataclass(frozen=True, kw_only=True)
class SandboxWebhook(CarrierWebhook):
    """`carrier` is the slug that it is configured under. Without a secret: one from SECRET_KEY."""

    carrier: str = "sandbox"
    secret: str = field(default="", repr=False)

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
        stamp = headers.get(TIMESTAMP_HEADER, "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _MAX_TIMESTAMP_DIGITS):
            raise BadSignature("Not accepted.")
        claimed = headers.get(SIGNATURE_HEADER, "").encode()
        if not hmac.compare_digest(self._signature(stamp, body).encode(), claimed):
            raise BadSignature("Not accepted.")
        if abs(now.timestamp() - int(stamp)) > settings.CARRIER_WEBHOOK_WINDOW_SECONDS:
            raise BadSignature("Not accepted.")

    def sign(self, body: bytes, *, now: datetime) -> dict[str, str]:
        """Return the headers that the carrier sends with that body."""
        stamp = str(int(now.timestamp()))
        return {TIMESTAMP_HEADER: stamp, SIGNATURE_HEADER: self._signature(stamp, body)}

    def events(self, body: bytes) -> list[Event]:
        try:
            envelope = _Envelope.model_validate_json(body)
            read = EVENTS.get(envelope.type)
            report = read(envelope.data) if read else None
        except ValidationError as error:
            # Without what it says: it may hold somebody's message.
            raise MalformedWebhook("The event can't be read.") from error
        return [Event(id=envelope.id, report=report)]

    def _signature(self, stamp: str, body: bytes) -> str:
        key = (
            self.secret.encode()
            or salted_hmac("cliqtel.carriers.webhook", self.carrier, algorithm="sha256").digest()
        )
        return hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
