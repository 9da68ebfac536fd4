"""Who acts, as they are now."""

from __future__ import annotations

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import NotFound


def live_member(actor: Membership) -> Membership:
    """The actor's membership as it is now: a page may have been open since before a demotion.

    Raises:
        NotFound: it has ended, or the person or the account is closed.
    """
    member = Membership.objects.live().filter(pk=actor.pk, user__is_active=True).first()
    if member is None:
        raise NotFound("There is no such approval. Reload the page.")
    return member
