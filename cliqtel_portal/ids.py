"""The one source of ids. Python 3.11 has no UUIDv7; the audit table's partitions need it."""

from __future__ import annotations

import os
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

_JITTER_MS = 10_000
_lock = threading.Lock()
_last_ms = 0
_sequence = 0


def uuid7() -> uuid.UUID:
    """Return a UUIDv7 (RFC 9562 section 5.7) greater than the earlier ones of this process.

    48 bits of Unix milliseconds, then a 12-bit counter that starts at random below 2048 in each
    millisecond (method 1 of section 6.2), then 62 random bits. Ids made by two processes in the
    same millisecond are in no particular order.
    """
    global _last_ms, _sequence  # noqa: PLW0603 - the counter is what makes ids monotonic
    random_bits = int.from_bytes(os.urandom(10), "big")
    with _lock:
        now = time.time_ns() // 1_000_000
        # A clock set back by more than jitter is believed: ids that stayed ahead of it would land
        # in the wrong month's partition.
        if now > _last_ms or now < _last_ms - _JITTER_MS:
            _last_ms, _sequence = now, (random_bits >> 62) & 0x7FF
        else:
            _sequence += 1
            if _sequence > 0xFFF:  # more than 2048 ids in a millisecond: borrow from the next
                _last_ms, _sequence = _last_ms + 1, 0
        milliseconds, sequence = _last_ms, _sequence
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76
    value |= sequence << 64
    value |= 0b10 << 62
    value |= random_bits & 0x3FFF_FFFF_FFFF_FFFF
    return uuid.UUID(int=value)


def first_uuid7_at(moment: datetime) -> uuid.UUID:
    """Return the smallest UUIDv7 of that millisecond: the lower bound of a range over ids."""
    # Whole numbers: timestamp() is a float, and could be a millisecond early.
    milliseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return uuid.UUID(int=(milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | 0b10 << 62)


def moment_of(identifier: uuid.UUID) -> datetime:
    """Return the UTC time, to the millisecond, at which a UUIDv7 was made."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, tz=UTC)
