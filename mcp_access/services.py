"""Issuing, rotating and ending static tokens."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from psycopg import Error as DatabaseError

from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership, Tenant, User
from cliqtel_portal.accounts.services.actors import permitted
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted, PortalError, Problem
from mcp_access import tokens
from mcp_access.connections import check_connection_is_free, lock_connections
from mcp_access.limits import limits_of
from mcp_access.models import AccessToken

_REFUSAL = "Your role has no AI access. Ask an owner of the account."


class TokenNotLive(PortalError):
    """The token is revoked, expired or replaced already."""

    code = "token_not_live"


@dataclass(frozen=True, kw_only=True)
class IssuedToken:
    """A new token and its plaintext, which exists nowhere else."""

    token: AccessToken
    plaintext: str = field(repr=False)


@transaction.atomic
def issue_token(
    actor: Membership,
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    note: str = "",
    allowed_cidrs: Iterable[str] = (),
    not_before: datetime | None = None,
    burst_per_minute: int | None = None,
) -> IssuedToken:
    """A static token of the actor exists, with its one plaintext in the answer.

    `expires_at` defaults to STATIC_TOKEN_DEFAULT_DAYS from now. Not idempotent: names are unique
    among live tokens, so a form posted twice gets the second one refused.

    Raises:
        InvalidArguments: with all problems; ConnectionLimitReached; NotPermitted.
    """
    _check_may_use(actor)
    now = timezone.now()
    expires = expires_at or now + timedelta(days=settings.STATIC_TOKEN_DEFAULT_DAYS)
    wanted = sorted(set(scopes))
    cidrs = [cidr.strip() for cidr in allowed_cidrs if cidr.strip()]
    problems = [
        *_name_problems(name, note),
        *_scope_problems(actor, wanted),
        *_time_problems(now, expires, not_before),
        *_cidr_problems(cidrs),
        *_burst_problems(actor.tenant, burst_per_minute),
    ]
    if problems:
        raise InvalidArguments("The token can't be made as asked.", problems=problems)
    # One at a time for a tenant, or two people would both take the last connection.
    tenant = lock_connections(actor.tenant)
    # Under the lock that whoever removes them holds: their tokens are being ended, this one too.
    permitted(actor, permissions.may_use_ai_access, _REFUSAL)
    check_connection_is_free(tenant)
    _take_name_from_expired(tenant, name.strip())
    return _create(
        tenant=tenant,
        user=actor.user,
        created_by=actor.user,
        name=name.strip(),
        note=note.strip(),
        scope=" ".join(wanted),
        expires=expires,
        not_before=not_before,
        allowed_cidrs=[str(_network(cidr)) for cidr in cidrs],
        burst_per_minute=burst_per_minute,
    )


@transaction.atomic
def rotate_token(actor: Membership, token_id: uuid.UUID, *, overlap: timedelta) -> IssuedToken:
    """A successor of the token exists; the old one lives on for `overlap`, at most to its expiry.

    The successor takes name, scopes, limits, life span, and a start that lies ahead. Of a chain at
    most two live, as they count as one connection: the old one's own predecessor ends now. Only
    the owner of a token can rotate it: the plaintext is theirs.

    Raises:
        NotFound: not in the actor's tenant. NotPermitted: somebody else's.
        TokenNotLive: revoked, expired or rotated already. InvalidArguments: overlap out of range.
    """
    _check_may_use(actor)
    longest = timedelta(hours=settings.STATIC_TOKEN_MAX_OVERLAP_HOURS)
    if not timedelta(0) <= overlap <= longest:
        raise InvalidArguments(
            "The overlap is out of range.",
            problems=[Problem(field="overlap", message="Between 0 hours and 7 days.")],
        )
    lock_connections(actor.tenant)
    old = _locked(actor, token_id)
    if old.user_id != actor.user_id:
        raise NotPermitted("Only the person a token belongs to can rotate it. You can revoke it.")
    if old.revoked_at is not None or old.expires <= timezone.now():
        raise TokenNotLive("This token is no longer live. Issue a new one instead.")
    if old.replaced_by_id is not None:
        raise TokenNotLive("This token was rotated already; rotate its successor.")
    now = timezone.now()
    AccessToken.objects.for_tenant(actor.tenant).live(now).filter(replaced_by=old).update(
        revoked_at=now, revoked_by=actor.user, updated=now
    )
    granted = permissions.grantable_scopes(role=actor.role, tenant=actor.tenant)
    life = old.expires - (old.not_before or old.created)
    starts = old.not_before if old.not_before and old.not_before > now else None
    return _create(
        tenant=actor.tenant,
        user=actor.user,
        created_by=actor.user,
        name=old.name,
        note=old.note,
        scope=" ".join(sorted(set(old.scope.split()) & granted)),
        expires=(starts or now) + min(life, timedelta(days=settings.STATIC_TOKEN_MAX_DAYS)),
        not_before=starts,
        allowed_cidrs=old.allowed_cidrs,
        burst_per_minute=old.burst_per_minute,
        restricted_at=old.restricted_at,
        replaces=old,
        overlap_ends=min(old.expires, now + overlap),
    )


@transaction.atomic
def revoke_token(actor: Membership, token_id: uuid.UUID) -> AccessToken:
    """The token is dead from the next request on. Idempotent: the first who did it stays named.

    Members end their own, admins everyone's.

    Raises:
        NotFound: not in the actor's tenant, or not theirs to see.
    """
    token = _locked(actor, token_id)
    if token.user_id != actor.user_id and not permissions.may_manage_all_tokens(actor.role):
        raise NotFound("There is no such token.")
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.revoked_by = actor.user
        token.save(update_fields=["revoked_at", "revoked_by", "updated"])
    return token


@transaction.atomic
def limit_token(
    actor: Membership, token_id: uuid.UUID, *, burst_per_minute: int | None
) -> AccessToken:
    """The token has that burst limit from its next call on; None: the account's. Idempotent.

    Members limit their own, admins everyone's.

    Raises:
        NotFound: not in the actor's tenant, or not theirs to see. TokenNotLive.
        InvalidArguments: above the account's limit, or not positive. NotPermitted.
    """
    _check_may_use(actor)
    token = _locked(actor, token_id)
    if token.user_id != actor.user_id and not permissions.may_manage_all_tokens(actor.role):
        raise NotFound("There is no such token.")
    if token.revoked_at is not None or token.expires <= timezone.now():
        raise TokenNotLive("This token is no longer live, so it needs no limit.")
    problems = _burst_problems(actor.tenant, burst_per_minute)
    if problems:
        raise InvalidArguments("The limit can't be set as asked.", problems=problems)
    token.burst_per_minute = burst_per_minute
    token.save(update_fields=["burst_per_minute", "updated"])
    return token


def revoke_as_system(token_id: uuid.UUID) -> bool:
    """End a token by command or by a replacing start. True if this call ended it."""
    now = timezone.now()
    live = AccessToken.objects.filter(pk=token_id, revoked_at__isnull=True)
    return bool(live.update(revoked_at=now, updated=now))


def visible_tokens(actor: Membership) -> list[AccessToken]:
    """Static tokens that the actor may see: their own, or all of the tenant for admins."""
    found = AccessToken.objects.for_tenant(actor.tenant).static()
    if not permissions.may_manage_all_tokens(actor.role):
        found = found.filter(user=actor.user)
    return list(found.select_related("user", "revoked_by").order_by("-created"))


def get_visible_token(actor: Membership, token_id: uuid.UUID) -> AccessToken:
    """Raises NotFound for another tenant's, and for another person's unless an admin asks."""
    found = AccessToken.objects.for_tenant(actor.tenant).static().filter(pk=token_id)
    if not permissions.may_manage_all_tokens(actor.role):
        found = found.filter(user=actor.user)
    token = found.select_related("user", "revoked_by", "replaced_by").first()
    if token is None:
        raise NotFound("There is no such token.")
    return token


def _create(
    *,
    tenant: Tenant,
    user: User,
    created_by: User,
    name: str,
    note: str,
    scope: str,
    expires: datetime,
    not_before: datetime | None,
    allowed_cidrs: list[str],
    burst_per_minute: int | None,
    restricted_at: datetime | None = None,
    replaces: AccessToken | None = None,
    overlap_ends: datetime | None = None,
) -> IssuedToken:
    plaintext = tokens.generate()
    token = AccessToken(
        kind=AccessToken.Kind.STATIC,
        tenant=tenant,
        user=user,
        created_by=created_by,
        name=name,
        note=note,
        scope=scope,
        resource=[settings.MCP_RESOURCE_URL],
        expires=expires,
        not_before=not_before,
        allowed_cidrs=allowed_cidrs,
        burst_per_minute=burst_per_minute,
        restricted_at=restricted_at,
    )
    token.remember(plaintext)
    try:
        with transaction.atomic():
            if replaces is not None:
                # First the old row, out of the unique index of live names; its foreign key is
                # checked at commit, when the successor is there.
                replaces.replaced_by = token
                replaces.expires = overlap_ends or replaces.expires
                if replaces.not_before and replaces.not_before >= replaces.expires:
                    replaces.not_before = None  # it ends before its start
                replaces.save(update_fields=["replaced_by", "expires", "not_before", "updated"])
            token.save(force_insert=True)
    except IntegrityError as error:
        if _constraint(error) != "mcp_token_name_unique":
            raise
        raise InvalidArguments(
            "The token can't be made as asked.",
            problems=[Problem(field="name", message="A live token has this name; take another.")],
        ) from error
    return IssuedToken(token=token, plaintext=plaintext)


def _constraint(error: IntegrityError) -> str | None:
    cause = error.__cause__
    return cause.diag.constraint_name if isinstance(cause, DatabaseError) else None


def _check_may_use(actor: Membership) -> None:
    if not permissions.may_use_ai_access(actor.role):
        raise NotPermitted(_REFUSAL)


def _take_name_from_expired(tenant: Tenant, name: str) -> None:
    """The unique index can't know the time: to it an expired token keeps its name until revoked."""
    now = timezone.now()
    AccessToken.objects.for_tenant(tenant).static().filter(
        name=name, revoked_at__isnull=True, replaced_by__isnull=True, expires__lte=now
    ).update(revoked_at=now, updated=now)


def _locked(actor: Membership, token_id: uuid.UUID) -> AccessToken:
    token = (
        AccessToken.objects.select_for_update(of=("self",))
        .for_tenant(actor.tenant)
        .static()
        .filter(pk=token_id)
        .first()
    )
    if token is None:
        raise NotFound("There is no such token.")
    return token


def _name_problems(name: str, note: str) -> list[Problem]:
    problems = []
    if not name.strip():
        problems.append(Problem(field="name", message="Give the token a name."))
    elif len(name.strip()) > 80 or not name.isprintable():
        problems.append(Problem(field="name", message="At most 80 printable characters."))
    if len(note) > 200 or not note.isprintable():
        problems.append(Problem(field="note", message="At most 200 printable characters."))
    return problems


def _scope_problems(actor: Membership, wanted: list[str]) -> list[Problem]:
    if not wanted:
        return [Problem(field="scopes", message="Choose at least one scope.")]
    grantable = permissions.grantable_scopes(role=actor.role, tenant=actor.tenant)
    problems = []
    for scope in wanted:
        if scope not in settings.MCP_SCOPES:
            problems.append(Problem(field="scopes", message=f"There is no scope {scope[:60]}."))
        elif scope not in permissions.scopes_of_tier(actor.tenant.tier):
            tier = actor.tenant.get_tier_display()
            problems.append(
                Problem(field="scopes", message=f"{scope} is not part of the tier {tier}.")
            )
        elif scope not in grantable:
            needed = permissions.role_needed_for(scope)
            problems.append(Problem(field="scopes", message=f"{scope} needs the role {needed}."))
    return problems


def _time_problems(now: datetime, expires: datetime, not_before: datetime | None) -> list[Problem]:
    problems = []
    longest = settings.STATIC_TOKEN_MAX_DAYS
    if expires <= now:
        problems.append(Problem(field="expires", message="Choose a day that lies ahead."))
    elif expires > now + timedelta(days=longest, hours=1):
        problems.append(Problem(field="expires", message=f"At most {longest} days ahead."))
    if not_before is not None and not_before >= expires:
        problems.append(Problem(field="not_before", message="The start must precede the expiry."))
    return problems


def _cidr_problems(cidrs: list[str]) -> list[Problem]:
    most = settings.STATIC_TOKEN_MAX_CIDRS
    if len(cidrs) > most:
        return [Problem(field="allowed_cidrs", message=f"At most {most} networks.")]
    problems = []
    for cidr in cidrs:
        try:
            _network(cidr)
        except ValueError:
            problems.append(
                Problem(
                    field="allowed_cidrs",
                    message=f"{cidr[:50]!r} is no network; write 192.0.2.0/24 or 192.0.2.7.",
                )
            )
    return problems


def _network(cidr: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if "%" in cidr:  # an interface of some machine, at any length: no client comes from there
        raise ValueError("scoped address")
    return ipaddress.ip_network(cidr, strict=False)


def _burst_problems(tenant: Tenant, burst: int | None) -> list[Problem]:
    most = limits_of(tenant).burst_per_minute
    if burst is None or 1 <= burst <= most:
        return []
    return [Problem(field="burst_per_minute", message=f"Between 1 and {most} calls a minute.")]
