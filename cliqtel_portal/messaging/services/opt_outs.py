"""What people enter about who wants no messages. What the receivers write: `incoming.py`."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.accounts.permissions import may_decide_approvals
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted, Problem
from cliqtel_portal.messaging.models import OptOut
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.phone import NotANumber, normalise


@transaction.atomic
def add_opt_out(
    actor: Membership,
    *,
    our_number: str,
    peer_number: str,
    channel: Channel,
    now: datetime | None = None,
) -> OptOut:
    """Nothing goes from that number to that receiver on that channel any more. Idempotent.

    Raises:
        NotPermitted: the actor's role does not enter opt-outs.
        InvalidArguments: not a number of theirs, or no telephone number.
    """
    member = _allowed(actor)
    problems = []
    ours, peer = "", ""
    try:
        ours = normalise(our_number)
        if not PhoneNumber.objects.for_tenant(member.tenant).filter(e164=ours).exists():
            problems.append(Problem(field="our_number", message="That is not one of your numbers."))
    except NotANumber as error:
        problems.append(Problem(field="our_number", message=str(error)))
    try:
        peer = normalise(peer_number)
    except NotANumber as error:
        problems.append(Problem(field="peer_number", message=str(error)))
    if problems:
        raise InvalidArguments("Please correct the numbers.", problems=problems)
    opt_out, _ = OptOut.objects.get_or_create(
        tenant=member.tenant,
        our_number=ours,
        peer_number=peer,
        channel=channel,
        ended_at=None,
        defaults={
            "source": OptOut.Source.PORTAL,
            "added_by_id": member.user_id,
            "since": now or timezone.now(),
        },
    )
    return opt_out


@transaction.atomic
def end_opt_out(actor: Membership, *, opt_out_id: uuid.UUID, now: datetime | None = None) -> OptOut:
    """The receiver gets messages again. One that has ended stays as it was.

    Raises:
        NotPermitted: the actor's role does not end opt-outs.
        NotFound: the tenant has no such opt-out.
    """
    member = _allowed(actor)
    mine = OptOut.objects.for_tenant(member.tenant).filter(pk=opt_out_id)
    mine.live().update(ended_at=now or timezone.now(), ended_by=member.user_id)
    opt_out = mine.first()
    if opt_out is None:
        raise NotFound("There is no such opt-out. Reload the page.")
    return opt_out


def _allowed(actor: Membership) -> Membership:
    """The membership as it is now: the page may have been open since before a demotion."""
    member = Membership.objects.live().filter(pk=actor.pk, user__is_active=True).first()
    if member is None or not may_decide_approvals(member.role):
        raise NotPermitted("Only approvers, admins and owners change opt-outs.")
    return member
