from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    from cliqtel_portal.accounts.models import Tenant, User
    from cliqtel_portal.notices.models import (  # noqa: F401 - row types of the querysets
        Event,
        Notice,
    )


class EventQuerySet(TenantQuerySet["Event"]):
    def for_user(self, tenant: Tenant, user: User) -> EventQuerySet:
        """Those meant for this person and those for everybody in the tenant."""
        return self.filter(Q(user=user) | Q(user__isnull=True), tenant=tenant)

    def after(self, event_id: int) -> EventQuerySet:
        """What a socket that saw `event_id` last has missed, in order."""
        return self.filter(pk__gt=event_id).order_by("pk")


class NoticeQuerySet(TenantQuerySet["Notice"]):
    def for_user(self, tenant: Tenant, user: User) -> NoticeQuerySet:
        """Those meant for this person and those for everybody in the tenant."""
        return self.filter(Q(user=user) | Q(user__isnull=True), tenant=tenant)

    def unread(self) -> NoticeQuerySet:
        return self.filter(read_at__isnull=True)

    def newest_first(self) -> NoticeQuerySet:
        return self.order_by("-created_at", "-id")
