"""Who asks for deeds, and how they end."""

from __future__ import annotations

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.deeds.requester import Requester


def requester_of(membership: Membership) -> Requester:
    """The person themself, on a page."""
    return Requester(tenant=membership.tenant, user=membership.user)
