"""What is signed into a seal.

The canonical form below is part of every seal's digest: never rename, reorder or drop a member.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC

from audit.record import signing_key
from audit.seal_models import Seal

BEFORE_THE_FIRST = "0" * 64
_ID_BYTES = 16
MEMBER_BYTES = _ID_BYTES + 8


def fingerprint(mac: str) -> bytes:
    """Tells one mac from another; the seal's `content` covers them in full."""
    return hashlib.sha256(mac.encode()).digest()[: MEMBER_BYTES - _ID_BYTES]


def pack(rows: Iterable[tuple[uuid.UUID, str]]) -> bytes:
    """The members of a seal: ids and macs in the order of ids."""
    return b"".join(identifier.bytes + fingerprint(mac) for identifier, mac in rows)


def unpack(members: bytes | memoryview) -> Iterator[tuple[uuid.UUID, bytes]]:
    """Each member's id and its mac's fingerprint."""
    packed = bytes(members)
    for start in range(0, len(packed), MEMBER_BYTES):
        member = packed[start : start + MEMBER_BYTES]
        yield uuid.UUID(bytes=member[:_ID_BYTES]), member[_ID_BYTES:]


class Content:
    """SHA-256 over ids and macs, row by row."""

    def __init__(self, rows: Iterable[tuple[uuid.UUID, str]] = ()) -> None:
        self._hash = hashlib.sha256()
        for identifier, mac in rows:
            self.add(identifier, mac)

    def add(self, identifier: uuid.UUID, mac: str) -> None:
        # Neither part can run into the other: an id has 16 bytes, and NUL is in no text column.
        self._hash.update(identifier.bytes + mac.encode() + b"\x00")

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def digest_of(seal: Seal) -> str:
    """The seal's digest, as its columns have it now."""
    canonical = {
        "v": 1,
        "number": seal.number,
        "kind": seal.kind,
        "low": str(seal.low),
        "high": str(seal.high),
        "count": seal.count,
        "members": hashlib.sha256(bytes(seal.members)).hexdigest(),
        "content": seal.content,
        "previous": seal.previous,
        "sealed_at": seal.sealed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "key": seal.mac_key_id,
    }
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def sign_digest(digest: str, *, key_id: str) -> str:
    """The hex HMAC-SHA256 that only a holder of the key can make.

    Raises:
        UnknownKey: neither AUDIT_KEY nor in AUDIT_OLD_KEYS.
    """
    message = b"seal\x00" + digest.encode()
    return hmac.new(signing_key(key_id), message, hashlib.sha256).hexdigest()


def is_genuine(seal: Seal) -> bool:
    """Whether digest and mac fit the seal's columns.

    Raises:
        UnknownKey: signed with a key that is neither AUDIT_KEY nor in AUDIT_OLD_KEYS.
    """
    digest = digest_of(seal)
    expected = sign_digest(digest, key_id=seal.mac_key_id)
    return hmac.compare_digest(digest, seal.digest) and hmac.compare_digest(expected, seal.mac)
