"""The counters before the unauthenticated doors: django-ratelimit, and the page that says when."""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

from cliqtel_portal.accounts.http import client_address

logger = logging.getLogger(__name__)

# What a client is told to wait while the counters can't be read.
_UNAVAILABLE_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Usage:
    count: int
    limit: int
    retry_after: int  # seconds until the window ends
    is_known: bool = True

    @property
    def is_spent(self) -> bool:
        """Nothing is left: asked before an attempt that is counted only afterwards."""
        return self.count >= self.limit

    @property
    def is_over(self) -> bool:
        """Asked after counting this very attempt."""
        return self.count > self.limit or not self.is_known


def address_key(request: HttpRequest) -> str:
    """The client's address as a counter's key; an IPv6 client owns its /64, so that is one."""
    text = client_address(request)
    if ":" in text:
        return str(ipaddress.ip_network(f"{text}/64", strict=False).network_address)
    return text or "unknown"


def usage(request: HttpRequest, *, group: str, key: str, rate: str, count: bool) -> Usage:
    """Return where the counter stands, after adding this request if `count`.

    Without Valkey the answer is "closed": a door whose guard is away must not be open to guessing.
    """
    try:
        found = get_usage(request, group=group, key=lambda *_: key, rate=rate, increment=count)
    except RedisError:
        logger.exception("rate limit %s can't be read", group)
        found = None
    if found is None or found["time_left"] < 0:
        return Usage(count=0, limit=0, retry_after=_UNAVAILABLE_SECONDS, is_known=False)
    return Usage(count=found["count"], limit=found["limit"], retry_after=max(1, found["time_left"]))


def refusal(request: HttpRequest, spent: Usage) -> HttpResponse:
    """429 with Retry-After and a page in words; 503 where it is our counters that are away."""
    status = 429 if spent.is_known else 503
    minutes = -(-spent.retry_after // 60)
    response = render(
        request,
        f"{status}.html",
        {"retry_after": spent.retry_after, "minutes": minutes},
        status=status,
    )
    response["Retry-After"] = str(spent.retry_after)
    response["Cache-Control"] = "no-store"
    return response
