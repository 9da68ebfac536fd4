"""What a reader of the event stream is due: the socket's and the REST API's one way to read it."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, Subquery

from cliqtel_portal.accounts.models import Tenant, User
from cliqtel_portal.notices.models import Event


@dataclass(frozen=True, kw_only=True)
class Batch:
    """`last` is the reader's place after it. With `is_reset` the reader's own list is no base any
    more: too much was missed, or its place is not one of this stream.
    """

    events: tuple[Event, ...]
    last: int
    is_reset: bool = False


def newest_id(tenant: Tenant, user: User) -> int:
    """The place of a reader who has seen everything; 0 in an empty stream."""
    newest = Event.objects.for_user(tenant, user).order_by("-pk").values_list("pk", flat=True)
    return newest.first() or 0


def newest_by_tenant(tenant_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """The newest id of anybody in each tenant: one look into the index for each, one query."""
    newest = Event.objects.filter(tenant=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    rows = Tenant.objects.filter(pk__in=tenant_ids).annotate(newest=Subquery(newest))
    return {tenant_id: last or 0 for tenant_id, last in rows.values_list("pk", "newest")}


def read_after(tenant: Tenant, user: User, after: int) -> Batch:
    """Return the events after that place, in order, or a reset if there are too many."""
    limit = settings.EVENT_REPLAY_MAX
    events = tuple(Event.objects.for_user(tenant, user).after(after)[: limit + 1])
    if len(events) > limit:
        return Batch(events=(), last=newest_id(tenant, user), is_reset=True)
    return Batch(events=events, last=events[-1].pk if events else after)


def resume_after(tenant: Tenant, user: User, after: int) -> Batch:
    """Like `read_after`, for a place that somebody else remembered: it may be of another stream."""
    newest = newest_id(tenant, user)
    if after > newest:
        return Batch(events=(), last=newest, is_reset=True)
    return read_after(tenant, user, after)


def as_json(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "kind": event.kind,
        "payload": event.payload,
        "at": event.created_at.isoformat(),
    }
