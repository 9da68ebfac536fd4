"""Showing a trunk's SIP password to a person. Pages only: no tool and no API comes here."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.accounts.permissions import may_see_trunk_passwords
from cliqtel_portal.notices.models import Notice
from cliqtel_portal.notices.services import notify
from cliqtel_portal.trunks.credentials import read_password
from cliqtel_portal.trunks.errors import NoCredential, RevealNotPermitted, TooManyReveals
from cliqtel_portal.trunks.models import CredentialReveal, Trunk, TrunkCredential
from cliqtel_portal.trunks.services import get_trunk

_WINDOW = timedelta(hours=1)


def reveal_password(membership: Membership, *, trunk_id: uuid.UUID, address: str) -> str:
    """Return the trunk's SIP password; before that it is on record who was shown it, and the
    tenant's other admins are told. The caller has checked the person's own password.

    Raises:
        TrunkNotFound: no such trunk in the tenant.
        RevealNotPermitted: the person is no admin (any more).
        NoCredential: the trunk has no password.
        TooManyReveals: they had too many shown in the last hour.
        CredentialError: it does not decrypt.
    """
    # Committed first: whatever happens then, nobody saw a password without a row that says so.
    return read_password(record_reveal(membership, trunk_id=trunk_id, address=address).trunk)


@transaction.atomic
def record_reveal(membership: Membership, *, trunk_id: uuid.UUID, address: str) -> CredentialReveal:
    """It is on record that the person may see the trunk's password. Raises as `reveal_password`."""
    trunk = get_trunk(membership.tenant, trunk_id)
    # Locked: two requests of one person count each other.
    member = Membership.objects.live().select_for_update(of=("self",)).filter(pk=membership.pk)
    role = member.values_list("role", flat=True).first()
    if role is None or not may_see_trunk_passwords(role):
        raise RevealNotPermitted("Only admins and owners see SIP passwords. Ask one of them.")
    if not has_password(trunk):
        raise NoCredential("This trunk has no password: calls are accepted by their address.")
    now = timezone.now()
    recent = CredentialReveal.objects.for_tenant(membership.tenant).filter(
        user=membership.user, created_at__gt=now - _WINDOW
    )
    if recent.count() >= settings.TRUNK_REVEALS_PER_HOUR:
        raise TooManyReveals(
            f"You had {settings.TRUNK_REVEALS_PER_HOUR} SIP passwords shown within an hour. "
            "Try again later."
        )
    _tell_others(membership, trunk, address)
    return CredentialReveal.objects.create(
        tenant=membership.tenant,
        trunk=trunk,
        user=membership.user,
        user_label=membership.user.email,
        address=address or None,
        created_at=now,
    )


def reveals_of(tenant: Tenant, trunk: Trunk) -> QuerySet[CredentialReveal]:
    """Who was shown the trunk's password, the latest first."""
    return CredentialReveal.objects.for_tenant(tenant).filter(trunk=trunk).newest_first()


def has_password(trunk: Trunk) -> bool:
    return TrunkCredential.objects.filter(trunk=trunk).exists()


def _tell_others(membership: Membership, trunk: Trunk, address: str) -> None:
    """So that a password taken with somebody's session does not stay unseen."""
    others = (
        Membership.objects.live()
        .filter(tenant=membership.tenant)
        .exclude(user=membership.user)
        .select_related("user")
    )
    place = f" at {address}" if address else ""
    for other in others:
        if may_see_trunk_passwords(other.role):
            notify(
                membership.tenant,
                title=f"The SIP password of {trunk.name} was shown",
                body=f"To {membership.user.email}{place}. If that should not be, have Cliqtel "
                "support set a new password, and end that person's access.",
                link=f"/trunks/{trunk.pk}/#password",
                level=Notice.Level.WARNING,
                user=other.user,
            )
