"""The word to all web processes that a tenant has news. What it is they read in the database.

Valkey's publish and subscribe, not a channel layer: its senders are synchronous (views, workers,
tools), and a layer would cost each of them an event loop and a new connection, 2 ms against 0.05.
A hint that is lost costs a delay, never an event: web processes look by themselves every
`SOCKET_CHECK_SECONDS`.
"""

from __future__ import annotations

import functools
import logging
import time
import uuid

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

# Seconds that one hint may take at most, twice: for the connection, and for its answer.
_TIMEOUT = 0.5
# After a failure nothing is sent for so many seconds: writers do not wait one by one.
_PAUSE = 5.0

_silent_until = 0.0


def channel() -> str:
    return f"{settings.VALKEY_PREFIX}news"


def send(tenant_id: uuid.UUID) -> None:
    """Open pages of the tenant look for news. Never fails, and waits for Valkey about a second."""
    global _silent_until  # noqa: PLW0603
    if time.monotonic() < _silent_until:
        return
    try:
        _client(settings.VALKEY_URL).publish(channel(), str(tenant_id))
    except (RedisError, OSError):
        _silent_until = time.monotonic() + _PAUSE
        logger.warning("Valkey does not take hints; open pages see news later", exc_info=True)


@functools.cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=_TIMEOUT,
        socket_timeout=_TIMEOUT,
        # Once more at once: a pooled connection may have died with the last restart of Valkey.
        retry=Retry(NoBackoff(), 1),
    )
