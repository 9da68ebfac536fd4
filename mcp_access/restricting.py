"""Tokens that may only read after a severe alert, until an admin lifts that."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit import alert_words
from audit.models import Alert
from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.errors import NotFound, NotPermitted
from cliqtel_portal.notices.models import Notice
from cliqtel_portal.notices.services import notify
from mcp_access.models import AccessToken, Consent
from mcp_access.oauth.sessions import lock_sessions
from mcp_access.querysets import AccessTokenQuerySet


@transaction.atomic
def restrict(alert: Alert) -> bool:
    """With MCP_AUTO_SUSPEND the alert's token may only read from its next call on.

    So may its successor of a rotation, or the person's other sessions of the same app. The person
    is told; admins are by the alert. False: nothing was changed. Idempotent.
    """
    if not settings.MCP_AUTO_SUSPEND or alert.token_id is None:
        return False
    token = _found(alert.tenant, alert.token_id)
    if token is None:
        return False
    now = timezone.now()
    # Expired ones, too: the next token of a session takes it over from the one before.
    free = _together(token).filter(revoked_at__isnull=True, restricted_at__isnull=True)
    if not free.update(restricted_at=now, updated=now):
        return False
    label = token.name or "an app of yours"
    notify(
        alert.tenant,
        user=token.user,
        level=Notice.Level.ERROR,
        title=f"{label[:80]} may only read now",
        body=(
            f"{alert_words.sentence_of(alert)[:300]} Until an admin of {alert.tenant.name} lifts"
            " it, its host can neither draft nor send."
        )[:500],
        link=_page_of(token),
    )
    return True


@transaction.atomic
def lift(actor: Membership, token_id: uuid.UUID) -> AccessToken:
    """The token, and what was restricted together with it, has its scopes back. Idempotent.

    Raises:
        NotPermitted: below admin. NotFound: no token of the actor's tenant.
    """
    if not permissions.may_manage_all_tokens(actor.role):
        raise NotPermitted("Admins and owners lift what an alert has restricted.")
    token = _found(actor.tenant, token_id)
    if token is None:
        raise NotFound("There is no such token.")
    restricted = _together(token).filter(restricted_at__isnull=False)
    if restricted.update(restricted_at=None, updated=timezone.now()) and token.user != actor.user:
        notify(
            actor.tenant,
            user=token.user,
            level=Notice.Level.SUCCESS,
            title=f"{(token.name or 'An app of yours')[:80]} has its scopes back",
            body=f"{actor.user.display_name[:120]} has lifted what an alert had restricted.",
            link=_page_of(token),
        )
    token.restricted_at = None
    return token


def is_restricted(token: AccessToken) -> bool:
    """Whether the token, or what goes on after it, may only read now."""
    restricted = _together(token).filter(revoked_at__isnull=True, restricted_at__isnull=False)
    return restricted.exists()


def restricted_token_of(consent: Consent) -> AccessToken | None:
    """A token of the app's sessions that may only read now; to lift it is to lift it of all."""
    tokens = AccessToken.objects.filter(
        tenant=consent.tenant_id, user=consent.user_id, application=consent.application_id
    )
    return tokens.filter(revoked_at__isnull=True, restricted_at__isnull=False).first()


def consent_of(token: AccessToken) -> Consent | None:
    """The connected app that a session's token is of."""
    return Consent.objects.filter(
        tenant=token.tenant_id, user=token.user_id, application=token.application_id
    ).first()


def _found(tenant: Tenant, token_id: uuid.UUID) -> AccessToken | None:
    """The token, locked with all from which a new one could come while we look."""
    tokens = AccessToken.objects.for_tenant(tenant)
    token = tokens.select_related("user", "application").filter(pk=token_id).first()
    if token is None:
        return None
    if token.kind == AccessToken.Kind.OAUTH:
        lock_sessions([token.user_id], [token.application_id])
        return token
    # A rotation holds the row that it replaces: seen under the lock, the chain is whole.
    last: AccessToken | None = token
    while last is not None:
        held = tokens.select_for_update(of=("self",)).get(pk=last.pk)
        last = tokens.filter(pk=held.replaced_by_id).first() if held.replaced_by_id else None
    return token


def _together(token: AccessToken) -> AccessTokenQuerySet:
    tokens = AccessToken.objects.for_tenant(token.tenant)
    if token.kind == AccessToken.Kind.OAUTH:
        return tokens.filter(user=token.user_id, application=token.application_id)
    chain, last = [token.pk], token.pk
    while following := tokens.filter(replaces=last).values_list("pk", flat=True).first():
        chain.append(following)
        last = following
    # Of a rotated pair the older one may be live, too.
    return tokens.filter(Q(pk__in=chain) | Q(replaced_by__in=chain))


def _page_of(token: AccessToken) -> str:
    if token.kind == AccessToken.Kind.OAUTH:
        consent = consent_of(token)
        return f"/numbers/ai-access/apps/{consent.pk}/" if consent else "/numbers/ai-access/apps/"
    return f"/numbers/ai-access/tokens/{token.pk}/"
