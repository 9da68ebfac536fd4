"""What AI hosts lose when their person leaves an account. Named in settings.MEMBERSHIP_ENDED."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, User
from mcp_access.models import AccessToken, Consent
from mcp_access.oauth.sessions import lock_sessions, revoke_consent


@transaction.atomic
def end_access(membership: Membership, *, by: User) -> None:
    """No token and no app of the person works in that account, nor if they are invited again.

    A membership that has ended keeps them out already; this is for the day it begins anew.
    """
    lock_sessions([membership.user_id])
    of_person = {"user_id": membership.user_id, "tenant_id": membership.tenant_id}
    for consent in Consent.objects.filter(**of_person).select_related(
        "application", "user", "tenant"
    ):
        revoke_consent(consent)
    now = timezone.now()
    AccessToken.objects.filter(**of_person, revoked_at__isnull=True).update(
        revoked_at=now, revoked_by=by, updated=now
    )
