from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    from cliqtel_portal.accounts.models import Tenant
    from cliqtel_portal.messaging.models import (  # noqa: F401 - row types of the querysets
        Message,
        MessagingLimit,
    )


class MessageQuerySet(TenantQuerySet["Message"]):
    def sent_since(self, tenant: Tenant, moment: datetime) -> MessageQuerySet:
        """What the tenant's day counts: outbound, and not refused before it left us."""
        return self.filter(tenant=tenant, direction="outbound", created_at__gte=moment).exclude(
            status="rejected"
        )


class MessagingLimitQuerySet(TenantQuerySet["MessagingLimit"]):
    """Start every read with `for_tenant`."""
