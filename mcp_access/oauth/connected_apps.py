"""Apps that people allowed, as *Connected apps* lists them, and ending their access from there."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import NotFound
from cliqtel_portal.notices.services import notify
from mcp_access.models import AccessToken, Consent, Grant, RefreshToken
from mcp_access.oauth import cimd, redirects, sessions
from mcp_access.oauth.consent import app_name

PAGE = "/numbers/ai-access/apps/"
# The newest tokens of an app whose calls are looked for; each lives an hour.
_RECENT_TOKENS = 500
_RECENT_SESSIONS = 20


@dataclass(frozen=True, kw_only=True)
class ConnectedApp:
    """An app and the person who allowed it.

    `name` is what the app calls itself; `verified_host`, for one that is known by the address of
    its metadata document, who that is, else "". `redirect_host` is where people are sent with the
    code. `last_used` is the token with which it called last.
    """

    consent: Consent
    name: str
    verified_host: str
    redirect_host: str
    live_sessions: int
    is_live: bool
    last_used: AccessToken | None


@dataclass(frozen=True, kw_only=True)
class Session:
    """The tokens that descend from one code. `ended_at` is None while they can be renewed."""

    scope: str
    started_at: datetime
    renewals: int
    renewed_at: datetime
    expires_at: datetime
    ended_at: datetime | None


def visible_consents(actor: Membership) -> QuerySet[Any]:
    """What the actor may see: their own, or all of the tenant for admins. Live ones come first.

    Each with `live_sessions` and `is_live`, which a code that is not redeemed yet makes true too.
    """
    now = timezone.now()
    whose = {name: OuterRef(name) for name in ("tenant", "user", "application")}
    families = (
        RefreshToken.objects.filter(sessions.live_refresh_tokens(now), **whose)
        .order_by()
        .values("application")
        .annotate(families=Count("token_family", distinct=True))
        .values("families")
    )
    found = Consent.objects.filter(tenant=actor.tenant)
    if not permissions.may_manage_all_tokens(actor.role):
        found = found.filter(user=actor.user)
    return (
        found.select_related("user", "application")
        .annotate(
            live_sessions=Coalesce(Subquery(families), 0),
            is_live=Q(live_sessions__gt=0) | Exists(Grant.objects.filter(expires__gt=now, **whose)),
        )
        .order_by("-is_live", "-last_at", "-id")
    )


def unused(consents: QuerySet[Any]) -> QuerySet[Any]:
    """Of `visible_consents`, those that were neither allowed nor used for APP_UNUSED_DAYS.

    A session ends by itself before that: these apps have no access, and are worth a revocation so
    that nobody connects them again by a click.
    """
    before = timezone.now() - timedelta(days=settings.APP_UNUSED_DAYS)
    whose = {name: OuterRef(name) for name in ("tenant", "user", "application")}
    used = AccessToken.objects.filter(
        kind=AccessToken.Kind.OAUTH, last_used_at__gte=before, **whose
    )
    return consents.filter(~Exists(used), last_at__lt=before, revoked_at__isnull=True)


def connected_apps(consents: Sequence[Any]) -> list[ConnectedApp]:
    """One for each of `visible_consents`, in the same order. Costs one query for all."""
    used = {
        (token.tenant_id, token.user_id, token.application_id): token
        for token in AccessToken.objects.filter(
            kind=AccessToken.Kind.OAUTH,
            tenant_id__in={consent.tenant_id for consent in consents},
            user_id__in={consent.user_id for consent in consents},
            application_id__in={consent.application_id for consent in consents},
            last_used_at__isnull=False,
        )
        .order_by("tenant", "user", "application", "-last_used_at")
        .distinct("tenant", "user", "application")
    }
    return [
        ConnectedApp(
            consent=consent,
            name=app_name(consent.application),
            verified_host=cimd.host_of(consent.application),
            redirect_host=redirects.host_of(consent.redirect_uri),
            live_sessions=consent.live_sessions,
            is_live=consent.is_live,
            last_used=used.get((consent.tenant_id, consent.user_id, consent.application_id)),
        )
        for consent in consents
    ]


def get_connected_app(actor: Membership, consent_id: uuid.UUID) -> ConnectedApp:
    """Raises NotFound for another tenant's, and for another person's unless an admin asks."""
    return connected_apps([_visible(actor, consent_id)])[0]


def sessions_of(consent: Consent) -> list[Session]:
    """The newest sessions of the app with its person, newest first."""
    now = timezone.now()
    found = (
        _of(RefreshToken.objects.all(), consent)
        .values("token_family")
        .annotate(
            scope=Max("scope"),
            started_at=Min("created"),
            renewals=Count("pk") - 1,
            renewed_at=Max("created"),
            expires_at=Max("expires_at"),
            revoked_at=Max("revoked"),
            live=Count("pk", filter=Q(revoked__isnull=True)),
        )
        .order_by("-started_at")[:_RECENT_SESSIONS]
    )
    return [
        Session(
            scope=row["scope"],
            started_at=row["started_at"],
            renewals=row["renewals"],
            renewed_at=row["renewed_at"],
            expires_at=row["expires_at"],
            ended_at=(
                (row["expires_at"] if row["expires_at"] <= now else None)
                if row["live"]
                else row["revoked_at"]
            ),
        )
        for row in found
    ]


def recent_token_ids(consent: Consent) -> list[uuid.UUID]:
    """The app's newest access tokens of its person, whose calls the log knows by."""
    found = _of(AccessToken.objects.filter(kind=AccessToken.Kind.OAUTH), consent)
    return list(found.order_by("-id").values_list("pk", flat=True)[:_RECENT_TOKENS])


def people_of(actor: Membership, consent: Consent) -> int:
    """How many people the actor could disconnect from this app: with a live access to it."""
    return visible_consents(actor).filter(application=consent.application, is_live=True).count()


@transaction.atomic
def disconnect(actor: Membership, consent_id: uuid.UUID) -> bool:
    """The app has no access for its person any more. False: it had none. Idempotent.

    Raises:
        NotFound: another tenant's, or another person's unless the actor is an admin.
    """
    consent = _visible(actor, consent_id)
    ended = _disconnect(actor, visible_consents(actor).filter(pk=consent_id))
    if not ended:
        sessions.revoke_consent(consent)
    return bool(ended)


@transaction.atomic
def disconnect_from_everybody(actor: Membership, consent_id: uuid.UUID) -> int:
    """The app has no access for anybody that the actor manages. Returns for how many it ended.

    Raises:
        NotFound: another tenant's, or another person's unless the actor is an admin.
    """
    application_id = _visible(actor, consent_id).application_id
    return _disconnect(actor, visible_consents(actor).filter(application_id=application_id))


@transaction.atomic
def disconnect_all(actor: Membership, *, everybody: bool = False) -> int:
    """No app has access for the actor, or for anybody that they manage. Returns how many ended."""
    found = visible_consents(actor)
    return _disconnect(actor, found if everybody else found.filter(user=actor.user))


def _disconnect(actor: Membership, found: QuerySet[Any]) -> int:
    """Of these, the live ones end. To be asked in a transaction."""
    pairs = list(found.filter(is_live=True).values_list("user_id", "application_id"))
    sessions.lock_sessions({user for user, _ in pairs}, {app for _, app in pairs})
    # Looked at anew under the lock: who comes second finds nothing to end.
    live = list(found.filter(is_live=True))
    for consent in live:
        sessions.revoke_consent(consent)
        if consent.user_id != actor.user_id:
            _tell(actor, consent)
    return len(live)


def _tell(actor: Membership, consent: Consent) -> None:
    shown = app_name(consent.application) or "an app"
    notify(
        consent.tenant,
        user=consent.user,
        title=f"Your access for {shown[:60]} was revoked",
        body=f"{actor.user.display_name[:120]} revoked it. To use it again, connect it again.",
        link=PAGE,
    )


def _visible(actor: Membership, consent_id: uuid.UUID) -> Consent:
    consent: Consent | None = visible_consents(actor).filter(pk=consent_id).first()
    if consent is None:
        raise NotFound("There is no such app.")
    return consent


def _of(rows: QuerySet[Any], consent: Consent) -> QuerySet[Any]:
    return rows.filter(
        tenant=consent.tenant_id, user=consent.user_id, application=consent.application_id
    )
