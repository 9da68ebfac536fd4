"""Reads of the token table."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from cliqtel_portal.accounts.querysets import TenantQuerySet


class AccessTokenQuerySet(TenantQuerySet["AccessToken"]):
    def static(self) -> AccessTokenQuerySet:
        return self.filter(kind="static")

    def live(self, now: datetime | None = None) -> AccessTokenQuerySet:
        """Neither revoked nor expired. One whose start lies ahead is live: it holds its place."""
        return self.filter(revoked_at__isnull=True, expires__gt=now or timezone.now())

    def connections(self, now: datetime | None = None) -> AccessTokenQuerySet:
        """Live static tokens, a rotated pair counted once (its successor)."""
        successor = self.model.objects.live(now).filter(pk=OuterRef("replaced_by_id"))
        return self.static().live(now).filter(Q(replaced_by__isnull=True) | ~Exists(successor))
