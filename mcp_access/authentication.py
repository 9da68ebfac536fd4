"""Bearer → Principal, by one SQL statement; and the challenges that say how to come back.

Nothing is cached: a token revoked, a person disabled or a tenant suspended fails on the next call.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error as OrmError
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken as SdkAccessToken
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout

from cliqtel_portal import pool
from cliqtel_portal.accounts.models import Tenant, User
from cliqtel_portal.accounts.permissions import scopes_of_role, scopes_of_tier
from mcp_access import bridge, first_call, limits, restrictions, tokens
from mcp_access.principal import Principal

logger = logging.getLogger(__name__)

_FIND = """
SELECT t.id, t.kind, t.name, t.scope, t.resource, t.expires, t.not_before, t.revoked_at,
       t.allowed_cidrs, t.burst_per_minute, t.last_used_at, t.last_used_tool, t.restricted_at,
       u.id, u.email, u.name, u.is_active, m.role, m.ended_at,
       n.id, n.slug, n.name, n.tier, n.status, n.time_zone, n.currency,
       n.burst_per_minute, n.calls_per_month, n.connections,
       coalesce(a.client_id, ''), coalesce(a.name, '')
FROM mcp_access_accesstoken t
JOIN accounts_user u ON u.id = t.user_id
JOIN accounts_tenant n ON n.id = t.tenant_id
LEFT JOIN accounts_membership m ON m.user_id = t.user_id AND m.tenant_id = t.tenant_id
LEFT JOIN oauth2_provider_application a ON a.id = t.application_id
WHERE t.token_checksum = %(digest)s
"""
_TOUCH = """
UPDATE mcp_access_accesstoken
SET last_used_at = %(now)s, last_used_address = %(address)s, last_used_client = %(client)s,
    last_used_tool = CASE WHEN %(tool)s = '' THEN last_used_tool ELSE %(tool)s END
WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at < %(stale)s
                       OR (last_used_tool = '' AND %(tool)s <> ''))
"""
_BEARER = re.compile(rb"^bearer ([A-Za-z0-9._~+/=-]{1,512})$", re.IGNORECASE)

_touches: set[asyncio.Task[None]] = set()


@dataclass(frozen=True, kw_only=True)
class Denied:
    """No entry. `principal` is whose token it was, if known: for the log, never to let in.

    `reason` is for logs: the answer is the same for all.
    """

    token_sent: bool
    reason: str
    principal: Principal | None = None


@dataclass(frozen=True, kw_only=True)
class Authenticated:
    principal: Principal
    last_used_at: datetime | None
    last_used_tool: str


async def authenticate(
    headers: Iterable[tuple[bytes, bytes]], address: str
) -> Authenticated | Denied:
    """Find out who calls. Exactly one `Authorization: Bearer <token>` counts; nothing else does."""
    values = [value for name, value in headers if name.lower() == b"authorization"]
    if not values:
        return Denied(token_sent=False, reason="no token")
    match = _BEARER.match(values[0]) if len(values) == 1 else None
    if match is None:
        return Denied(token_sent=True, reason="not one bearer token")
    token = match.group(1).decode("ascii")
    if token.startswith("ct_mcp") and not tokens.has_valid_form(token):
        return Denied(token_sent=True, reason="wrong form")
    row = await pool.fetch_one(_FIND, {"digest": tokens.digest(token)})
    if row is None:
        return Denied(token_sent=True, reason="unknown token")
    return _judge(row, address)


def _judge(row: tuple[Any, ...], address: str) -> Authenticated | Denied:
    (
        token_id, kind, token_name, scope, resource, expires, not_before, revoked_at,
        cidrs, token_burst, last_used_at, last_used_tool, restricted_at,
        user_id, email, user_name, is_active, role, ended_at,
        tenant_id, slug, tenant_name, tier, status, time_zone, currency,
        tenant_burst, tenant_month, tenant_connections,
        client_id, client_name,
    ) = row  # fmt: skip
    granted = frozenset(scope.split())
    tenant = Tenant(
        id=tenant_id, slug=slug, name=tenant_name, tier=tier, status=status,
        time_zone=time_zone, currency=currency, burst_per_minute=tenant_burst,
        calls_per_month=tenant_month, connections=tenant_connections,
    )  # fmt: skip
    allowed = limits.limits_of(tenant)
    principal = Principal(
        tenant=tenant,
        user=User(id=user_id, email=email, name=user_name, is_active=is_active),
        role=role or "",
        token_id=token_id,
        token_name=token_name or client_name,
        token_kind=kind,
        token_expires_at=expires,
        client_id=client_id,
        client_name=client_name,
        granted_scopes=granted,
        scopes=restrictions.left_of(
            granted & scopes_of_role(role or "") & scopes_of_tier(tier), restricted_at
        ),
        burst_per_minute=min(token_burst or allowed.burst_per_minute, allowed.burst_per_minute),
        calls_per_month=allowed.calls_per_month,
        month_is_hard=allowed.month_is_hard,
        connections=allowed.connections,
        address=address,
        is_restricted=restricted_at is not None,
    )
    now = datetime.now(UTC)
    reason = ""
    if kind not in {"static", "oauth"}:
        reason = "unknown kind"
    elif revoked_at is not None:
        reason = "revoked"
    elif expires <= now:
        reason = "expired"
    elif not_before is not None and not_before > now:
        reason = "not yet valid"
    elif not is_active:
        reason = "person disabled"
    elif role is None or ended_at is not None:
        reason = "membership ended"
    elif not scopes_of_role(role):
        reason = "role without AI access"
    elif status != Tenant.Status.ACTIVE:
        reason = "tenant suspended"
    elif settings.MCP_RESOURCE_URL not in resource:
        reason = "wrong audience"
    elif cidrs and not _inside(address, cidrs):
        reason = "address not allowed"
    if reason:
        return Denied(token_sent=True, reason=reason, principal=principal)
    return Authenticated(
        principal=principal, last_used_at=last_used_at, last_used_tool=last_used_tool
    )


def _inside(address: str, cidrs: Iterable[str]) -> bool:
    try:
        client = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(client, ipaddress.IPv6Address) and client.ipv4_mapped:
        client = client.ipv4_mapped
    return any(client in ipaddress.ip_network(cidr) for cidr in cidrs)


def remember_use(found: Authenticated, *, tool: str, client: str) -> None:
    """Move `last_used_*`, at most every few minutes, after the answer and off its path."""
    now = datetime.now(UTC)
    stale = now - timedelta(seconds=settings.TOKEN_TOUCH_SECONDS)
    is_fresh = found.last_used_at is not None and found.last_used_at >= stale
    if is_fresh and (found.last_used_tool or not tool):
        return
    parameters = {
        "id": found.principal.token_id,
        "now": now,
        "stale": stale,
        "tool": tool[:40],
        "client": client[:80],
        "address": found.principal.address or None,
    }
    is_first = found.last_used_at is None or (bool(tool) and not found.last_used_tool)
    task = asyncio.create_task(_touch(parameters, is_first=is_first))
    _touches.add(task)  # the loop itself holds tasks only weakly
    task.add_done_callback(_touches.discard)


async def _touch(parameters: dict[str, Any], *, is_first: bool) -> None:
    try:
        # Of two processes that saw it unused, one has moved it.
        if await pool.execute(_TOUCH, parameters) and is_first:
            await bridge.run_sync(first_call.tell, parameters["id"])
    except (DatabaseError, OrmError, PoolTimeout):
        # A convenience of the token list must never disturb a call.
        logger.warning("last use of token %s not recorded", parameters["id"], exc_info=True)


def challenge(*, error: str = "", scopes: Iterable[str] | None = None) -> tuple[bytes, bytes]:
    """The WWW-Authenticate header (RFC 6750 section 3, RFC 9728 section 5.1)."""
    wanted = sorted(scopes) if scopes is not None else discover_scopes()
    parts = [f'error="{error}"'] if error else []
    parts.append(f'resource_metadata="{resource_metadata_url()}"')
    parts.append(f'scope="{" ".join(wanted)}"')
    return b"www-authenticate", f"Bearer {', '.join(parts)}".encode("ascii")


def discover_scopes() -> list[str]:
    """The scopes to ask for when nothing else is known: the read set of the lowest tier."""
    return sorted(scopes_of_tier("discover"))


def resource_metadata_url() -> str:
    parts = urlsplit(settings.MCP_RESOURCE_URL)
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{path}"


def sdk_user(principal: Principal) -> AuthenticatedUser:
    """The SDK's own view of the caller. The token's text is not in it: only its id."""
    return AuthenticatedUser(
        SdkAccessToken(
            token=str(principal.token_id),
            client_id=principal.client_id or str(principal.token_id),
            scopes=sorted(principal.scopes),
            subject=str(principal.user.pk),
            resource=settings.MCP_RESOURCE_URL,
        )
    )
