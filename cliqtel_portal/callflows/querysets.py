from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    from cliqtel_portal.accounts.models import Tenant
    from cliqtel_portal.callflows.models import (  # noqa: F401 - row types of the querysets
        CallFlow,
        Change,
        Revision,
    )


class CallFlowQuerySet(TenantQuerySet["CallFlow"]):
    """Start every read with `for_tenant`."""


class RevisionQuerySet(models.QuerySet["Revision"]):
    def for_tenant(self, tenant: Tenant) -> RevisionQuerySet:
        """Of the tenant's flows: a revision has no tenant of its own that could differ."""
        return self.filter(call_flow__tenant=tenant)


class ChangeQuerySet(TenantQuerySet["Change"]):
    """Start every read with `for_tenant`."""
