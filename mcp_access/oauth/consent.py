"""What a person may allow an app, and recording that they did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from oauth2_provider.models import Application
from oauth2_provider.settings import oauth2_settings

from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import PortalError
from cliqtel_portal.templatetags.portal import distance
from mcp_access.connections import (
    check_connection_is_free,
    has_live_connection,
    lock_connections,
)
from mcp_access.models import Consent
from mcp_access.oauth import cimd, redirects, retention
from mcp_access.oauth.backend import McpOAuthCore
from mcp_access.oauth.scopes_backend import OFFLINE_ACCESS, McpScopes


class ClientGone(PortalError):
    """The client is no longer registered; it has to register again."""

    code = "client_gone"


@dataclass(frozen=True, kw_only=True)
class ScopeLine:
    """A scope on the consent page; `locked` says in words why it can't be given."""

    name: str
    title: str
    tier: str
    changes: bool
    locked: str = ""


@dataclass(frozen=True, kw_only=True)
class ScopeGroup:
    """The scopes of one kind on the consent page, with what they have in common in words."""

    title: str
    hint: str
    lines: list[ScopeLine]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An account that the person may choose, and how many of the asked scopes it can give."""

    membership: Membership
    grantable: int
    is_chosen: bool
    url: str


def app_name(application: Application) -> str:
    """What the app calls itself, on one line, without characters that turn the text around it."""
    shown = "".join(letter if letter.isprintable() else " " for letter in application.name)
    return " ".join(shown.split())


def asked_scopes(scopes: Iterable[str]) -> list[str]:
    """What the client asked for, without `offline_access`: renewing is not a permission here."""
    return [scope for scope in dict.fromkeys(scopes) if scope != OFFLINE_ACCESS]


def default_scopes() -> list[str]:
    """No scope asked: the read set of the lowest tier."""
    return McpScopes().get_default_scopes()


def grantable(membership: Membership, asked: Iterable[str]) -> list[str]:
    allowed = permissions.grantable_scopes(role=membership.role, tenant=membership.tenant)
    return [scope for scope in asked if scope in allowed]


def scope_lines(membership: Membership, asked: Iterable[str]) -> list[ScopeLine]:
    of_tier = permissions.scopes_of_tier(membership.tenant.tier)
    of_role = permissions.scopes_of_role(membership.role)
    lines = []
    for name in asked:
        scope = settings.MCP_SCOPES[name]
        locked = ""
        if name not in of_tier:
            locked = f"not part of the tier {membership.tenant.get_tier_display()}"
        elif name not in of_role:
            needed = Membership.Role(permissions.role_needed_for(name)).label
            locked = f"needs the role {needed}; you are {membership.get_role_display()}"
        lines.append(
            ScopeLine(
                name=name,
                title=scope["title"],
                tier=settings.MCP_TIERS[scope["tier"]]["title"],
                changes=not name.endswith(".read"),
                locked=locked,
            )
        )
    return lines


def scope_groups(lines: list[ScopeLine]) -> list[ScopeGroup]:
    groups = [
        ScopeGroup(
            title="Read",
            hint="Looks, changes nothing.",
            lines=[line for line in lines if not line.changes],
        ),
        ScopeGroup(
            title="Change",
            hint="Proposals wait for a person's approval in the portal.",
            lines=[line for line in lines if line.changes],
        ),
    ]
    return [group for group in groups if group.lines]


def page(
    *,
    application: Application,
    membership: Membership,
    memberships: list[Membership],
    asked: list[str],
    redirect_uri: str,
    query: QueryDict,
    ticked: set[str] | None,
) -> dict[str, Any]:
    """What the consent page shows. `ticked` is None on first sight: all that can be given is."""
    lines = scope_lines(membership, asked)
    possible = set(grantable(membership, asked))
    session = timedelta(seconds=settings.OAUTH_SESSION_SECONDS)
    token = timedelta(seconds=oauth2_settings.ACCESS_TOKEN_EXPIRE_SECONDS)
    return {
        "app": app_name(application),
        "application": application,
        "redirect_host": redirects.host_of(redirect_uri),
        "redirect_uri": redirect_uri,
        "membership": membership,
        "tenant": membership.tenant,
        "choices": [
            Choice(
                membership=one,
                grantable=len(grantable(one, asked)),
                is_chosen=one.pk == membership.pk,
                url=_url_for(query, one),
            )
            for one in memberships
        ],
        "asked": asked,
        "lines": lines,
        "groups": scope_groups(lines),
        "query": query.urlencode(),
        "chosen": possible if ticked is None else possible & ticked,
        "possible": possible,
        "may_send": "mcp.messaging.send" in possible,
        "verified_host": cimd.host_of(application),
        "token_lasts": distance(token),
        "session_lasts": distance(session),
    }


def _url_for(query: QueryDict, membership: Membership) -> str:
    """The same question, asked for another account."""
    changed = query.copy()
    changed["tenant"] = membership.tenant.slug
    return f"?{changed.urlencode()}"


@transaction.atomic
def allow(
    request: HttpRequest,
    core: McpOAuthCore,
    *,
    membership: Membership,
    application: Application,
    scopes: list[str],
    asked: list[str],
    credentials: dict[str, Any],
) -> str:
    """The app has a code for these scopes in this tenant; returns the URI to send the person to.

    A new consent replaces the old one of app, person and tenant; older tokens live out their time.

    Raises:
        ConnectionLimitReached: the tier's connections are taken by others.
        ClientGone: it was collected as never used while the person read the page.
    """
    tenant = lock_connections(membership.tenant)
    if not retention.hold_client(application.pk):
        raise ClientGone("This app's registration has lapsed.")
    if not has_live_connection(tenant, membership.user, application.pk):
        check_connection_is_free(tenant)
    now = timezone.now()
    Consent.objects.update_or_create(
        tenant=tenant,
        user=membership.user,
        application=application,
        defaults={
            "asked_scope": " ".join(asked),
            "scope": " ".join(scopes),
            "redirect_uri": credentials["redirect_uri"],
            "last_at": now,
            "revoked_at": None,
        },
        create_defaults={
            "asked_scope": " ".join(asked),
            "scope": " ".join(scopes),
            "redirect_uri": credentials["redirect_uri"],
            "first_at": now,
            "last_at": now,
        },
    )
    return core.issue_code(
        request,
        scopes=scopes,
        credentials={**credentials, "user": membership.user, "tenant": tenant},
    )
