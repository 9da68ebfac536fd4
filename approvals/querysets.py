"""Where reads of approvals start, and the one way to move an approval on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from approvals.states import Status, sources_of
from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    from approvals.models import (  # noqa: F401 - row types
        Approval,
        Decision,
        Policy,
        PolicyChange,
    )
    from cliqtel_portal.accounts.models import Tenant


class ApprovalQuerySet(TenantQuerySet["Approval"]):
    def awaiting(self, now: datetime) -> ApprovalQuerySet:
        """Pending ones that can still be decided, the most urgent first."""
        return self.filter(status=Status.PENDING, expires_at__gt=now).order_by("expires_at", "id")

    def overdue(self, now: datetime) -> ApprovalQuerySet:
        """Pending ones whose time is over and that the clock has not closed yet."""
        return self.filter(status=Status.PENDING, expires_at__lte=now).order_by("expires_at", "id")

    def lost(self, now: datetime) -> ApprovalQuerySet:
        """To be executed, and nobody does: never enqueued, died half-way, or due for a retry."""
        return self.filter(
            status__in=[Status.APPROVED, Status.EXECUTING], due_at__lte=now
        ).order_by("due_at", "id")

    def claimable(self, now: datetime) -> ApprovalQuerySet:
        """Approved ones at once; one that is being executed when its claim has run out."""
        return self.filter(Q(status=Status.APPROVED) | Q(status=Status.EXECUTING, due_at__lte=now))

    def newest_first(self) -> ApprovalQuerySet:
        return self.order_by("-created_at", "-id")

    def transition(self, target: Status, **values: Any) -> int:
        """Move those that may get there; return how many did. 0: somebody was first."""
        return self.filter(status__in=sources_of(target)).update(status=target, **values)


class DecisionQuerySet(models.QuerySet["Decision"]):
    def for_tenant(self, tenant: Tenant) -> DecisionQuerySet:
        return self.filter(approval__tenant=tenant)

    def in_order(self) -> DecisionQuerySet:
        return self.select_related("user").order_by("at", "id")


class PolicyQuerySet(TenantQuerySet["Policy"]):
    pass


class PolicyChangeQuerySet(TenantQuerySet["PolicyChange"]):
    def newest_first(self) -> PolicyChangeQuerySet:
        return self.select_related("actor").order_by("-at", "-id")
