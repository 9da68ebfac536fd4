"""Reads of the token table."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    from mcp_access.models import (  # noqa: F401 - row types of the querysets
        AccessToken,
        IdempotentCall,
    )


class AccessTokenQuerySet(TenantQuerySet["AccessToken"]):
    def static(self) -> Self:
        return self.filter(kind="static")

    def live(self, now: datetime | None = None) -> Self:
        """Neither revoked nor expired. One whose start lies ahead is live: it holds its place."""
        return self.filter(revoked_at__isnull=True, expires__gt=now or timezone.now())

    def connections(self, now: datetime | None = None) -> Self:
        """Live static tokens, a rotated pair counted once (its successor)."""
        successor = self.model.objects.live(now).filter(pk=OuterRef("replaced_by_id"))
        return self.static().live(now).filter(Q(replaced_by__isnull=True) | ~Exists(successor))


class IdempotentCallQuerySet(TenantQuerySet["IdempotentCall"]):
    def forgotten(self, before: datetime) -> Self:
        """Keys whose day is over."""
        return self.filter(created_at__lt=before)
