"""Ends tokens without their owners: staff by hand, time by retention."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from cliqtel_portal.accounts.models import User
from mcp_access.models import AccessToken, RefreshToken
from mcp_access.oauth.sessions import lock_sessions


@dataclass(frozen=True, kw_only=True)
class Purged:
    """How many rows of each table are gone."""

    access_tokens: int
    refresh_tokens: int


@transaction.atomic
def revoke_access_tokens_as_staff(staff: User, token_ids: Iterable[uuid.UUID]) -> list[AccessToken]:
    """The tokens are dead from the next request on, and staff's log says who did it.

    An OAuth token takes its session along, or its refresh token would just fetch the next one.
    Returns those that this call ended; idempotent.
    """
    live = AccessToken.objects.filter(pk__in=list(token_ids), revoked_at__isnull=True)
    _lock_sessions(live.filter(application__isnull=False))
    ended = list(live.order_by("pk"))
    # Refresh tokens first: the order in which every path locks them.
    for refresh_token in RefreshToken.objects.filter(access_token__in=ended):
        _end_session(refresh_token)
    AccessToken.objects.filter(
        pk__in=[token.pk for token in ended], revoked_by__isnull=True
    ).update(revoked_at=Coalesce("revoked_at", Now()), revoked_by=staff, updated=Now())
    _log(staff, ended)
    return ended


@transaction.atomic
def revoke_refresh_tokens_as_staff(
    staff: User, token_ids: Iterable[uuid.UUID]
) -> list[RefreshToken]:
    """The sessions of these refresh tokens are over, and staff's log says who did it.

    Returns those whose session this call ended; idempotent.
    """
    chosen = RefreshToken.objects.filter(pk__in=list(token_ids)).order_by("pk")
    _lock_sessions(chosen)
    ended = [token for token in chosen if _end_session(token)]
    _log(staff, ended)
    return ended


def purge_dead_tokens(*, batch: int = 1_000) -> Purged:
    """Tokens that died more than TOKEN_RETENTION_DAYS ago are gone; each batch commits by itself.

    Of a rotated pair the older goes first: rows that another still points at stay.
    """
    before = timezone.now() - timedelta(days=settings.TOKEN_RETENTION_DAYS)
    refresh_tokens = delete_in_batches(
        RefreshToken.objects.filter(Q(revoked__lt=before) | Q(expires_at__lt=before)), batch
    )
    access_tokens = delete_in_batches(
        AccessToken.objects.filter(
            Q(revoked_at__lt=before) | Q(expires__lt=before),
            ~Exists(AccessToken.objects.filter(replaced_by=OuterRef("pk"))),
            ~Exists(RefreshToken.objects.filter(access_token=OuterRef("pk"))),
        ),
        batch,
    )
    return Purged(access_tokens=access_tokens, refresh_tokens=refresh_tokens)


def delete_in_batches(dead: QuerySet[Any], batch: int) -> int:
    """The rows are gone; each batch commits by itself, so no lock is held for long."""
    deleted = 0
    while ids := list(dead.values_list("pk", flat=True)[:batch]):
        dead.model.objects.filter(pk__in=ids).delete()
        deleted += len(ids)
    return deleted


def _lock_sessions(found: QuerySet[Any]) -> None:
    """Or a renewal under way would insert tokens that ending the session can't see."""
    owners = list(found.values_list("user_id", "application_id"))
    lock_sessions([user for user, _ in owners], [application for _, application in owners])


def _end_session(token: RefreshToken) -> bool:
    """Whether there was still something to end."""
    session = RefreshToken.objects.filter(pk=token.pk)
    if token.token_family is not None:
        session = RefreshToken.objects.filter(token_family=token.token_family)
    was_live = bool(session.filter(revoked__isnull=True).exists())
    token.revoke()
    RefreshToken.revoke_family(token.token_family)
    return was_live


def _log(staff: User, tokens: list[AccessToken] | list[RefreshToken]) -> None:
    LogEntry.objects.log_actions(staff.pk, tokens, CHANGE, "Revoked.")
