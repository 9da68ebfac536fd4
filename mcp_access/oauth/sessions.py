"""OAuth sessions: a consent, the refresh tokens that descend from it, their access tokens."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from oauth2_provider.models import Application

from cliqtel_portal.accounts.models import Membership, Tenant, User
from cliqtel_portal.notices.models import Notice
from cliqtel_portal.notices.services import notify
from mcp_access import tokens
from mcp_access.connections import Connection
from mcp_access.models import AccessToken, Consent, Grant, RefreshToken
from mcp_access.services import revoke_token

logger = logging.getLogger(__name__)


def lock_sessions(
    user_ids: Iterable[uuid.UUID], application_ids: Iterable[int] | None = None
) -> None:
    """Until the transaction ends, nobody else renews or ends sessions of these people and apps.

    Locks their consents, which every session has. Without it, a renewal under way would insert a
    token that the statement ending the session can't see. Lock it first, before tokens and codes.
    """
    consents = Consent.objects.select_for_update(no_key=True).filter(user_id__in=list(user_ids))
    if application_ids is not None:
        consents = consents.filter(application_id__in=list(application_ids))
    list(consents.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def end_family(token_family: uuid.UUID | None, *, reason: str) -> int:
    """A session is over: refresh and access tokens of the family die now. Returns how many died."""
    if token_family is None:
        return 0
    found = RefreshToken.objects.filter(token_family=token_family)
    owner = found.values_list("user_id", "application_id").first()
    if owner is None:
        return 0
    lock_sessions([owner[0]], [owner[1]])
    return _end(found, reason=reason)


@transaction.atomic
def sweep(replayed: RefreshToken, *, reason: str) -> None:
    """All sessions of the client and user end, and the user is told when and why (product.md)."""
    ended = end_client(
        application=replayed.application, user=replayed.user, tenant=None, reason=reason
    )
    if not ended:
        return  # once more after a sweep: what is told is the time at which sessions ended
    now = timezone.now()
    Consent.objects.filter(application=replayed.application, user=replayed.user).update(
        swept_at=now
    )
    # Its name is the client's own and may be as long as the whole title.
    name = replayed.application.name[:80] or "an app"
    notify(
        replayed.tenant,
        user=replayed.user,
        level=Notice.Level.WARNING,
        title=f"All sessions of {name} were ended",
        body=(
            "An old refresh token of this app was used again at "
            f"{now:%Y-%m-%d %H:%M:%S} UTC. Somebody may have copied it, so every "
            "session of the app was ended. Connect it again if you trust it."
        ),
        link="/numbers/ai-access/apps/",
    )


@transaction.atomic
def end_client(
    *,
    application: Application,
    user: User,
    tenant: Tenant | None,
    reason: str,
) -> int:
    """Every session of the app with the person (in one tenant, or in all) is over. Idempotent."""
    lock_sessions([user.pk], [application.pk])
    found = RefreshToken.objects.filter(application=application, user=user)
    access = AccessToken.objects.filter(application=application, user=user, kind="oauth")
    grants = Grant.objects.filter(application=application, user=user)
    if tenant is not None:
        found, access = found.filter(tenant=tenant), access.filter(tenant=tenant)
        grants = grants.filter(tenant=tenant)
    grants.delete()
    now = timezone.now()
    ended = _end(found, reason=reason)
    # Access tokens that outlived their refresh token's rotation.
    access.filter(revoked_at__isnull=True, expires__gt=now).update(revoked_at=now, updated=now)
    return ended


def end_by_token(token: str, *, application: Application) -> None:
    """The session that the access or refresh token belongs to is over, if it is this client's."""
    checksum = tokens.digest(token)
    family = (
        RefreshToken.objects.filter(application=application)
        .filter(Q(token_checksum=checksum) | Q(access_token__token_checksum=checksum))
        .values_list("token_family", flat=True)
        .first()
    )
    end_family(family, reason="revoked")


@transaction.atomic
def end_connection(actor: Membership, connection: Connection) -> None:
    """The host is disconnected: its token, or all sessions of the app with its person, are dead."""
    if connection.kind == "static":
        revoke_token(actor, connection.id)
        return
    consent = Consent.objects.select_related("user", "application").get(
        pk=connection.id, tenant=actor.tenant
    )
    revoke_consent(consent)


@transaction.atomic
def revoke_consent(consent: Consent) -> None:
    """The app has no access to the tenant for this person any more. Idempotent."""
    lock_sessions([consent.user_id], [consent.application_id])
    Consent.objects.filter(pk=consent.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
    end_client(
        application=consent.application,
        user=consent.user,
        tenant=consent.tenant,
        reason="revoked in the portal",
    )


@transaction.atomic
def end_clients(application_ids: Iterable[int], *, by: User, reason: str) -> int:
    """Nobody's access through these apps works any more. Returns how many sessions ended."""
    ids = list(application_ids)
    consents = Consent.objects.filter(application_id__in=ids).order_by("pk")
    list(consents.select_for_update(no_key=True).values_list("pk", flat=True))
    now = timezone.now()
    consents.filter(revoked_at__isnull=True).update(revoked_at=now)
    Grant.objects.filter(application_id__in=ids).delete()
    found = RefreshToken.objects.filter(application_id__in=ids)
    live = found.filter(live_refresh_tokens(now))
    ended: int = live.aggregate(n=Count("token_family", distinct=True))["n"]
    AccessToken.objects.filter(
        application_id__in=ids, kind="oauth", revoked_at__isnull=True
    ).update(revoked_at=now, revoked_by=by, updated=now)
    _end(found, reason=reason)
    return ended


@transaction.atomic
def end_oauth_sessions_of(user: User, *, reason: str) -> int:
    """Every OAuth session of the person, in every tenant, is over (after a password change)."""
    lock_sessions([user.pk])
    Grant.objects.filter(user=user).delete()
    ended = _end(RefreshToken.objects.filter(user=user), reason=reason)
    now = timezone.now()
    AccessToken.objects.filter(user=user, kind="oauth", revoked_at__isnull=True).update(
        revoked_at=now, updated=now
    )
    return ended


def live_refresh_tokens(now: datetime | None = None) -> Q:
    return Q(revoked__isnull=True, expires_at__gt=now or timezone.now())


@transaction.atomic
def _end(found: object, *, reason: str) -> int:
    now = timezone.now()
    families = list(found.values_list("token_family", flat=True).distinct())  # type: ignore[attr-defined]
    members = RefreshToken.objects.filter(token_family__in=families)
    ended: int = members.filter(revoked__isnull=True).update(revoked=now, updated=now)
    AccessToken.objects.filter(
        pk__in=members.values("access_token_id"), revoked_at__isnull=True
    ).update(revoked_at=now, updated=now)
    if ended:
        logger.info("%d OAuth sessions ended: %s", ended, reason)
    return ended
