"""Tokens, and principals as authentication would make them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership
from mcp_access import tokens
from mcp_access.limits import limits_of
from mcp_access.models import AccessToken
from mcp_access.principal import Principal

DISCOVER = ("mcp.inventory.read", "mcp.pricing.read", "mcp.docs.read", "mcp.callflows.read")

EVERY_SCOPE = tuple(settings.MCP_SCOPES)


def make_token(
    membership: Membership, *, scopes: tuple[str, ...] = DISCOVER, **fields: Any
) -> tuple[AccessToken, str]:
    """A stored static token and its plaintext, past every rule of `issue_token`."""
    plaintext = tokens.generate()
    values: dict[str, Any] = {
        "kind": "static",
        "tenant": membership.tenant,
        "user": membership.user,
        "name": f"token {plaintext[-6:]}",
        "scope": " ".join(scopes),
        "resource": [settings.MCP_RESOURCE_URL],
        "expires": timezone.now() + timedelta(days=30),
        **fields,
    }
    token = AccessToken(**values)
    token.remember(plaintext)
    token.save()
    return token, plaintext


def principal_of(membership: Membership, *, scopes: tuple[str, ...] = DISCOVER) -> Principal:
    """What authentication would find for a token of this person, with a token row behind it."""
    token, _ = make_token(membership, scopes=scopes)
    allowed = limits_of(membership.tenant)
    return Principal(
        tenant=membership.tenant,
        user=membership.user,
        role=membership.role,
        token_id=token.pk,
        token_name=token.name,
        token_kind="static",
        token_expires_at=token.expires,
        client_id="",
        client_name="",
        granted_scopes=frozenset(scopes),
        scopes=frozenset(scopes),
        burst_per_minute=allowed.burst_per_minute,
        calls_per_month=allowed.calls_per_month,
        month_is_hard=allowed.month_is_hard,
        connections=allowed.connections,
        address="127.0.0.1",
    )
