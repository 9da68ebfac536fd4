from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Q

from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    from cliqtel_portal.accounts.models import Tenant
    from cliqtel_portal.messaging.models import (  # noqa: F401 - row types of the querysets
        Message,
        MessageBatch,
        MessageTemplate,
        MessagingLimit,
        MessagingLimitChange,
        OptOut,
    )


class MessageQuerySet(TenantQuerySet["Message"]):
    def sent_alone_since(self, tenant: Tenant, moment: datetime) -> MessageQuerySet:
        """What the tenant's day counts: outbound, not refused before it left us, and sent within
        the limit: what a person approved does not use it up.
        """
        return self.filter(
            Q(batch__isnull=True) | Q(batch__approval_id__isnull=True),
            tenant=tenant,
            direction="outbound",
            created_at__gte=moment,
        ).exclude(status="rejected")


class MessageBatchQuerySet(TenantQuerySet["MessageBatch"]):
    """Start every read with `for_tenant`."""


class MessageTemplateQuerySet(TenantQuerySet["MessageTemplate"]):
    """Start every read with `for_tenant`."""


class MessagingLimitQuerySet(TenantQuerySet["MessagingLimit"]):
    """Start every read with `for_tenant`."""


class MessagingLimitChangeQuerySet(TenantQuerySet["MessagingLimitChange"]):
    """Start every read with `for_tenant`."""


class OptOutQuerySet(TenantQuerySet["OptOut"]):
    def live(self) -> OptOutQuerySet:
        return self.filter(ended_at__isnull=True)
