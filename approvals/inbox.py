"""The list of a tenant's approvals in three tabs, page by page."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Q, TextChoices
from django.utils import timezone

from approvals.cards import Card, cards_of
from approvals.models import Approval
from approvals.querysets import ApprovalQuerySet
from approvals.states import Status
from cliqtel_portal.accounts.models import Membership, Tenant

PER_PAGE = 25
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Microseconds since 1970 of the row's place in the order, and its id.
_CURSOR = re.compile(r"([0-9]{1,17})\.([0-9a-f-]{36})")


class Tab(TextChoices):
    WAITING = "waiting", "Waiting"
    DECIDED = "decided", "Decided"
    EXPIRED = "expired", "Expired"


@dataclass(frozen=True, kw_only=True)
class InboxPage:
    """`before` and `after` are cursors of the neighbouring pages, "" where there is none."""

    cards: list[Card]
    before: str
    after: str


def counts(tenant: Tenant, now: datetime | None = None) -> Mapping[Tab, int]:
    """How many each tab has: one query."""
    now = now or timezone.now()
    found = Approval.objects.for_tenant(tenant).aggregate(
        **{tab.value: Count("pk", filter=_is_in(tab, now)) for tab in Tab}
    )
    return {tab: found[tab.value] for tab in Tab}


def read_page(
    member: Membership,
    tab: Tab,
    *,
    after: str = "",
    before: str = "",
    limit: int = PER_PAGE,
    now: datetime | None = None,
) -> InboxPage:
    """The cards after or before a cursor, or the first ones; a cursor that isn't ours is ignored.

    What waits is in the order of urgency, the rest newest first.
    """
    now = now or timezone.now()
    field = "expires_at" if tab == Tab.WAITING else "created_at"
    found: ApprovalQuerySet = Approval.objects.for_tenant(member.tenant).filter(_is_in(tab, now))
    start = _parsed(after)
    end = None if start else _parsed(before)
    # Backwards is the same walk in the other direction, turned round at the end.
    is_rising = (tab == Tab.WAITING) is (end is None)
    anchor = start or end
    if anchor:
        at, approval_id = anchor
        side = "gt" if is_rising else "lt"
        found = found.filter(
            Q(**{f"{field}__{side}": at}) | Q(**{field: at, f"pk__{side}": approval_id})
        )
    sign = "" if is_rising else "-"
    rows = list(
        found.select_related("requester").order_by(f"{sign}{field}", f"{sign}pk")[: limit + 1]
    )
    is_more = len(rows) > limit
    shown = rows[:limit]
    if end:
        shown.reverse()
    return InboxPage(
        cards=cards_of(member, shown, now),
        before=_name(shown[0], field) if shown and (is_more if end else start) else "",
        after=_name(shown[-1], field) if shown and (is_more or end) else "",
    )


def last_decided(member: Membership, now: datetime | None = None) -> Card | None:
    """What the empty inbox shows instead."""
    now = now or timezone.now()
    decided = (
        Approval.objects.for_tenant(member.tenant)
        .filter(_is_in(Tab.DECIDED, now))
        .newest_first()
        .select_related("requester")
    )
    return next(iter(cards_of(member, decided[:1], now)), None)


def _is_in(tab: Tab, now: datetime) -> Q:
    match tab:
        case Tab.WAITING:
            return Q(status=Status.PENDING, expires_at__gt=now)
        case Tab.EXPIRED:
            return Q(status=Status.EXPIRED) | Q(status=Status.PENDING, expires_at__lte=now)
    return ~Q(status__in=[Status.PENDING, Status.EXPIRED])


def _name(approval: Approval, field: str) -> str:
    at: datetime = getattr(approval, field)
    return f"{(at - _EPOCH) // timedelta(microseconds=1)}.{approval.pk}"


def _parsed(text: str) -> tuple[datetime, uuid.UUID] | None:
    match = _CURSOR.fullmatch(text)
    if match is None:
        return None
    try:
        return _EPOCH + timedelta(microseconds=int(match[1])), uuid.UUID(match[2])
    except (ValueError, OverflowError):
        return None
