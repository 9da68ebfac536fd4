"""Whose address a request has: one function, for pages, tokens, limits and the log."""

from __future__ import annotations

import ipaddress

from django.conf import settings


def address_from(peer: str, forwarded_for: str) -> str:
    """Return the client's address, or "" where it can't be known.

    Each of `settings.TRUSTED_PROXIES` proxies appends the address it saw to X-Forwarded-For, so
    the client is that many entries from the right. What stands left of it, anybody may have sent.
    """
    hops = settings.TRUSTED_PROXIES
    candidate = peer
    if hops > 0:
        entries = [entry.strip() for entry in forwarded_for.split(",") if entry.strip()]
        if len(entries) >= hops:
            candidate = entries[-hops]
    try:
        return str(ipaddress.ip_address(candidate.strip("[]")))
    except ValueError:
        return ""
