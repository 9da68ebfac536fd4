"""Connections: AI hosts attached to a tenant, which its tier limits.

One live static token is one (a rotated pair counts once), and so is one live OAuth session set of
a client and a person, however many sessions it has.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Max
from django.utils import timezone

from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership, Tenant, User
from cliqtel_portal.errors import NotFound, PortalError
from mcp_access.limits import limits_of
from mcp_access.models import AccessToken, Consent, Grant, RefreshToken


class ConnectionLimitReached(PortalError):
    """The tier's connections are all taken; another host must be disconnected first."""

    code = "connection_limit"


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A host that the actor may disconnect. `id` is a token's, or a consent's."""

    kind: str
    id: uuid.UUID
    name: str
    person: str
    last_used_at: datetime | None


def lock_connections(tenant: Tenant) -> Tenant:
    """The tenant, locked until the transaction ends: connections are made one at a time.

    Not against rows that merely point at it: a renewal or a sweep, which holds the consent that
    the new connection is about to write, inserts some, and each would wait for the other.
    """
    return Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)


def count_connections(tenant: Tenant) -> int:
    """AI hosts attached to the tenant now; a consent whose code is not redeemed yet is one."""
    return AccessToken.objects.for_tenant(tenant).connections().count() + len(_live_apps(tenant))


def count_by_person(tenant: Tenant) -> Counter[uuid.UUID]:
    """Connections of each person by their id. Named in settings.MEMBER_CONNECTIONS."""
    tokens = AccessToken.objects.for_tenant(tenant).connections().values_list("user_id", flat=True)
    return Counter(tokens) + Counter(user for _, user in _live_apps(tenant))


def has_live_connection(tenant: Tenant, user: User, application_id: int) -> bool:
    return (application_id, user.pk) in _live_apps(tenant)


def check_connection_is_free(tenant: Tenant) -> None:
    """To be asked under `lock_connections`.

    Raises:
        ConnectionLimitReached
    """
    limit = limits_of(tenant).connections
    if limit is not None and count_connections(tenant) >= limit:
        raise ConnectionLimitReached(
            f"{tenant.get_tier_display()} allows {limit} connected AI "
            f"host{'' if limit == 1 else 's'} and all are in use. Disconnect another first."
        )


def connections_of(actor: Membership) -> list[Connection]:
    """The tenant's connections that the actor may end: their own, or all for admins."""
    may_all = permissions.may_manage_all_tokens(actor.role)
    tokens = AccessToken.objects.for_tenant(actor.tenant).connections().select_related("user")
    live = _live_apps(actor.tenant)
    consents = Consent.objects.filter(tenant=actor.tenant).select_related("user", "application")
    last_used = {
        (application, user): at
        for application, user, at in AccessToken.objects.for_tenant(actor.tenant)
        .filter(kind="oauth")
        .values_list("application_id", "user_id")
        .annotate(Max("last_used_at"))
    }
    found = [
        Connection(
            kind="static",
            id=token.pk,
            name=token.name,
            person=token.user.display_name,
            last_used_at=token.last_used_at,
        )
        for token in tokens
        if may_all or token.user_id == actor.user_id
    ]
    found += [
        Connection(
            kind="oauth",
            id=consent.pk,
            name=consent.application.name or consent.application.client_id,
            person=consent.user.display_name,
            last_used_at=last_used.get((consent.application_id, consent.user_id)),
        )
        for consent in consents
        if (consent.application_id, consent.user_id) in live
        and (may_all or consent.user_id == actor.user_id)
    ]
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda connection: connection.last_used_at or never)


def find_connection(actor: Membership, kind: str, identifier: str) -> Connection:
    """Raises NotFound for one that is not live, not the tenant's, or not the actor's to end."""
    for connection in connections_of(actor):
        if connection.kind == kind and str(connection.id) == identifier:
            return connection
    raise NotFound("There is no such connection.")


def _live_apps(tenant: Tenant) -> set[tuple[int, uuid.UUID]]:
    """(application, user) pairs with a session that can be renewed, or a code that can be used."""
    now = timezone.now()
    sessions = RefreshToken.objects.filter(
        tenant=tenant, revoked__isnull=True, expires_at__gt=now
    ).values_list("application_id", "user_id")
    codes = Grant.objects.filter(tenant=tenant, expires__gt=now).values_list(
        "application_id", "user_id"
    )
    return set(sessions.union(codes))
