"""Reads of alerts, of the networks seen, and of the Slack outbox."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    from audit.alert_models import (  # noqa: F401 - row types of the querysets
        Alert,
        SeenNetwork,
        SlackMessage,
    )


class AlertQuerySet(TenantQuerySet["Alert"]):
    def open(self) -> Self:
        return self.filter(state="open")

    def newest_first(self) -> Self:
        return self.order_by("-id")


class SeenNetworkQuerySet(models.QuerySet["SeenNetwork"]):
    def unseen_since(self, before: datetime) -> Self:
        return self.filter(last_seen_at__lt=before)


class SlackMessageQuerySet(TenantQuerySet["SlackMessage"]):
    def due(self, now: datetime) -> Self:
        return self.filter(state="pending", due_at__lte=now).order_by("due_at")

    def to_tenant(self, tenant: Tenant) -> Self:
        """What went to the tenant's own webhook: the operator's channel is not theirs to see."""
        return self.for_tenant(tenant).filter(to="tenant")
