"""The form of static tokens: recognisable, checkable without a database, 256 bits strong."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

PREFIX = "ct_mcp_"
REFRESH_PREFIX = "ct_mcpr_"  # never passes as a bearer
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH = 43  # 62**43 > 2**256
_CHECK_LENGTH = 6  # 62**6 > 2**32
_SHAPE = re.compile(rf"^{PREFIX}[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECK_LENGTH}}}$", re.ASCII)


def generate() -> str:
    """Return a new token: the prefix, 43 random base62 characters, 6 of CRC32 over all before."""
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return body + _checksum(body)


def generate_refresh() -> str:
    """Return a new refresh token, as strong as a token."""
    return REFRESH_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))


def has_valid_form(token: str) -> bool:
    """Whether shape and checksum are right: says nothing of whether the token lives."""
    if not _SHAPE.match(token):
        return False
    return _checksum(token[:-_CHECK_LENGTH]) == token[-_CHECK_LENGTH:]


def digest(token: str) -> str:
    """The hex SHA-256 by which the token is found; all that is stored of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def _checksum(body: str) -> str:
    value = zlib.crc32(body.encode())
    characters = []
    for _ in range(_CHECK_LENGTH):
        value, remainder = divmod(value, 62)
        characters.append(_ALPHABET[remainder])
    return "".join(reversed(characters))
