"""What pages of the apps below show of approvals. `{% load deeds %}`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django import template
from django.utils import timezone

from approvals.models import Approval
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.order_models import OrderLine

register = template.Library()

_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Mention:
    """An approval by its title; `status` as a reader sees it."""

    path: str
    title: str
    status: str
    is_waiting: bool


@register.simple_tag
def approvals_of(number: PhoneNumber) -> list[Mention]:
    """`{% approvals_of number as approvals %}`: the newest about it, and the order it came by."""
    orders = OrderLine.objects.filter(phone_number=number).values_list("order_id", flat=True)
    about = Approval.objects.for_tenant(number.tenant).filter(artifact_id__in=[number.pk, *orders])
    now = timezone.now()
    return [_mention(approval, now) for approval in about.newest_first()[:_SHOWN]]


def _mention(approval: Approval, now: datetime) -> Mention:
    status = approval.status_at(now)
    return Mention(
        path=f"/approvals/{approval.pk}/",
        title=approval.title,
        status=status.label,
        is_waiting=status == Approval.Status.PENDING,
    )
