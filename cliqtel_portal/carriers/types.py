"""What crosses the border to a carrier, in our words; backends translate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """A carrier has taken a request. `reference` is the carrier's id of it."""

    reference: str
    state: Literal["accepted", "done"]


@dataclass(frozen=True, kw_only=True)
class NumberOrder:
    """`numbers` in E.164; all of them or none."""

    numbers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NumberRelease:
    number: str


@dataclass(frozen=True, kw_only=True)
class OutboundMessage:
    """One message to one receiver. `text` is what people wrote: never log it."""

    channel: Literal["sms", "whatsapp"]
    from_number: str
    to_number: str
    text: str

    def __repr__(self) -> str:
        return f"OutboundMessage({self.channel}, {len(self.text)} characters)"
