"""Saying how much AI hosts may send by themselves."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.accounts.permissions import may_edit_policies
from cliqtel_portal.billing.services import hold_account
from cliqtel_portal.errors import InvalidArguments, NotPermitted, Problem
from cliqtel_portal.messaging.models import MessagingLimit, MessagingLimitChange


@transaction.atomic
def set_limit(
    actor: Membership,
    *,
    messages_per_day: int,
    amount_per_day: Decimal,
    now: datetime | None = None,
) -> MessagingLimit:
    """The tenant's AI hosts may send so much a day, from now on; who said so is on record.

    Nothing for either means that a person approves every message. Setting what is set already
    records nothing.

    Raises:
        NotPermitted: the actor's role does not set limits.
        InvalidArguments: negative, or more than anybody gets.
    """
    member = Membership.objects.live().filter(pk=actor.pk, user__is_active=True).first()
    if member is None or not may_edit_policies(member.role):
        raise NotPermitted("Only admins and owners set the messaging limit.")
    _check(messages_per_day, amount_per_day)
    now = now or timezone.now()
    tenant = member.tenant
    # Those who send look at the limit under this lock.
    hold_account(tenant)
    before = MessagingLimit.objects.for_tenant(tenant).first()
    values = {
        "messages_per_day": messages_per_day,
        "amount_per_day": amount_per_day,
        "currency": tenant.currency,
    }
    if before is not None and all(getattr(before, name) == new for name, new in values.items()):
        return before
    limit, _ = MessagingLimit.objects.update_or_create(
        tenant=tenant, defaults={**values, "updated_at": now}
    )
    MessagingLimitChange.objects.create(tenant=tenant, set_by_id=member.user_id, at=now, **values)
    return limit


def _check(messages_per_day: int, amount_per_day: Decimal) -> None:
    problems = []
    most = settings.MESSAGING_MAX_MESSAGES_PER_DAY
    if not 0 <= messages_per_day <= most:
        problems.append(Problem(field="messages_per_day", message=f"From 0 to {most:,} a day."))
    highest = Decimal(settings.MESSAGING_MAX_AMOUNT_PER_DAY)
    if not amount_per_day.is_finite() or not 0 <= amount_per_day <= highest:
        problems.append(Problem(field="amount_per_day", message=f"From 0 to {highest:,} a day."))
    elif amount_per_day != round(amount_per_day, 2):
        problems.append(Problem(field="amount_per_day", message="At most two decimals."))
    if problems:
        raise InvalidArguments("The limit can't be set like that.", problems=problems)
