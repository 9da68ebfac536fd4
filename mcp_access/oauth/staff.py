"""Staff end what apps were allowed; their log says who did it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from oauth2_provider.models import Application

from cliqtel_portal.accounts.models import User
from mcp_access.models import Consent, RefreshToken
from mcp_access.oauth import sessions


@transaction.atomic
def end_clients_as_staff(staff: User, application_ids: Iterable[int]) -> int:
    """Nobody's access through these clients works any more. Returns how many sessions ended.

    Idempotent. The clients stay registered: a person may allow them again.
    """
    ids = list(application_ids)
    live = RefreshToken.objects.filter(sessions.live_refresh_tokens(), application_id__in=ids)
    affected = list(Application.objects.filter(pk__in=live.values("application_id")).order_by("pk"))
    ended = sessions.end_clients(ids, by=staff, reason="revoked by staff")
    LogEntry.objects.log_actions(staff.pk, affected, CHANGE, "Revoked all sessions.")
    return ended


@transaction.atomic
def end_consents_as_staff(staff: User, consent_ids: Iterable[uuid.UUID]) -> list[Consent]:
    """The apps have no access for these people in these tenants. Returns those that this ended."""
    found = Consent.objects.filter(pk__in=list(consent_ids), revoked_at__isnull=True)
    pairs = list(found.values_list("user_id", "application_id"))
    sessions.lock_sessions({user for user, _ in pairs}, {client for _, client in pairs})
    ended = list(found.select_related("application", "user", "tenant").order_by("pk"))
    for consent in ended:
        sessions.revoke_consent(consent)
    LogEntry.objects.log_actions(staff.pk, ended, CHANGE, "Revoked.")
    return ended
