"""RFC 7636, the one method that counts."""

from __future__ import annotations

import re

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def is_s256(challenge: str | None, method: str | None) -> bool:
    """Whether it is a base64url SHA-256 with its method named; "plain", the default, is refused."""
    return method == "S256" and _CHALLENGE.fullmatch(challenge or "") is not None
