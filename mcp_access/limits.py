"""How much a token and a tenant may call: burst by Valkey, month and connections by SQL.

The burst is an exact moving window of a minute for each token. While Valkey is away each process
counts for itself, against a fraction of the limit: calls go on, abuse does not.
"""

from __future__ import annotations

import asyncio
import logging
import time
import weakref
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.money import Money

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class TenantLimits:
    """None is unlimited. `month_is_hard`: calls beyond the month are refused, not billed."""

    burst_per_minute: int
    calls_per_month: int | None
    month_is_hard: bool
    connections: int | None


@dataclass(frozen=True, kw_only=True)
class Burst:
    """The state of a token's window after a call. `retry_after_seconds` only where not allowed.

    `resets_in_seconds`: when the oldest call leaves the window, so that there is room for another.
    """

    allowed: bool
    limit: int
    remaining: int
    retry_after_seconds: int = 0
    resets_in_seconds: int = WINDOW_SECONDS

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10)."""
        policy = f'"burst";q={self.limit};w={WINDOW_SECONDS}'
        state = f'"burst";r={self.remaining};t={self.resets_in_seconds}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


def limits_of(tenant: Tenant) -> TenantLimits:
    """The tier's limits, or the tenant's own where staff have set them."""
    tier = settings.MCP_TIERS[tenant.tier]
    return TenantLimits(
        burst_per_minute=tenant.burst_per_minute or tier["burst"],
        calls_per_month=tenant.calls_per_month or tier["month"],
        month_is_hard=bool(tier["hard"]),
        connections=tier["connections"] if tenant.connections is None else tenant.connections,
    )


def overage_price(tenant: Tenant) -> Money | None:
    """Of each call beyond the month's; None where those are refused, or cost nothing."""
    price = settings.MCP_TIERS[tenant.tier].get("overage_eur")
    return Money(amount=Decimal(price), currency="EUR") if price else None


class _Windows:
    """Moving windows of one event loop: redis-py's connections belong to their loop."""

    def __init__(self) -> None:
        self.shared = MovingWindowRateLimiter(
            RedisStorage(
                f"async+{settings.VALKEY_URL}",
                implementation="redispy",
                key_prefix=f"{settings.VALKEY_PREFIX}limit",
                socket_timeout=2,
                socket_connect_timeout=1,
            )
        )
        self.local = MovingWindowRateLimiter(MemoryStorage())
        self.shared_is_down_until = 0.0


_windows: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Windows] = (
    weakref.WeakKeyDictionary()
)


async def hit_burst(key: str, limit: int) -> Burst:
    """Count one call of `key` against `limit` a minute. A refused call counts nothing."""
    loop = asyncio.get_running_loop()
    windows = _windows.get(loop)
    if windows is None:
        windows = _windows[loop] = _Windows()
    if time.monotonic() >= windows.shared_is_down_until:
        try:
            return await _hit(windows.shared, key, limit)
        except (RedisError, OSError):
            # Don't make each call wait for a time-out while it is down.
            windows.shared_is_down_until = time.monotonic() + 5
            logger.exception("Valkey does not answer: this process limits by itself")
    return await _hit(windows.local, key, max(1, limit // settings.MCP_LOCAL_BURST_DIVISOR))


async def _hit(limiter: MovingWindowRateLimiter, key: str, limit: int) -> Burst:
    item = RateLimitItemPerMinute(limit)
    allowed = await limiter.hit(item, key)
    stats = await limiter.get_window_stats(item, key)
    resets_in = max(1, int(stats.reset_time - time.time()) + 1)
    return Burst(
        allowed=allowed,
        limit=limit,
        remaining=stats.remaining,
        retry_after_seconds=0 if allowed else resets_in,
        resets_in_seconds=resets_in,
    )
