"""Telling open pages and people what happened."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant, User
from cliqtel_portal.errors import NotFound
from cliqtel_portal.notices import hints
from cliqtel_portal.notices.models import Event, Notice

# First key of the advisory locks taken here; the second is the tenant's hash.
_EVENT_LOCK = 0x6E6F7469


@transaction.atomic
def record_event(
    tenant: Tenant, *, kind: str, payload: Mapping[str, Any], user: User | None = None
) -> Event:
    """The event is in the stream of the tenant, or of one user in it; open pages hear of it.

    Call it last in a transaction: sequences hand out ids before the commit, so without the lock a
    reader could see 8, remember it, and never see 7 that commits later. The lock makes a tenant's
    writers wait for each other until they commit.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_EVENT_LOCK, str(tenant.pk)]
        )
    event = Event.objects.create(tenant=tenant, user=user, kind=kind, payload=dict(payload))
    transaction.on_commit(functools.partial(hints.send, tenant.pk), robust=True)
    return event


@transaction.atomic
def notify(
    tenant: Tenant,
    *,
    title: str,
    body: str = "",
    link: str = "",
    level: Notice.Level = Notice.Level.INFO,
    user: User | None = None,
) -> Notice:
    """The person, or everybody in the tenant, has a notice to read. `link` is a path of ours."""
    return Notice.objects.create(
        tenant=tenant, user=user, level=level, title=title, body=body, link=link
    )


@transaction.atomic
def mark_read(
    tenant: Tenant, *, user: User, notice_id: uuid.UUID, at: datetime | None = None
) -> None:
    """The notice is read; it keeps the time of the first reading.

    Raises:
        NotFound: no notice of this person in this tenant.
    """
    notices = Notice.objects.for_user(tenant, user).filter(pk=notice_id)
    marked = notices.filter(read_at__isnull=True).update(read_at=at or timezone.now())
    if not marked and not notices.exists():
        raise NotFound("There is no such notice. Reload the page.")
