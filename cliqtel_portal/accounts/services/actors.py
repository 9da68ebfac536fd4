"""Who acts, as they are now: a page may have been open since before a demotion."""

from __future__ import annotations

from collections.abc import Callable

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import NotPermitted


def permitted(actor: Membership, may: Callable[[str], bool], refusal: str) -> Membership:
    """The actor's membership as stored, if it is live and its role satisfies `may`.

    Raises:
        NotPermitted: with `refusal` as its words.
    """
    member = (
        Membership.objects.live()
        .filter(pk=actor.pk, user__is_active=True)
        .select_related("tenant", "user")
        .first()
    )
    if member is None or not may(member.role):
        raise NotPermitted(refusal)
    return member
