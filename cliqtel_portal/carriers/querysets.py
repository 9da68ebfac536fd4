from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    from cliqtel_portal.carriers.models import CarrierOperation  # noqa: F401 - the row type


class CarrierOperationQuerySet(TenantQuerySet["CarrierOperation"]):
    """Start every read for a person with `for_tenant`."""

    def due(self, now: datetime) -> CarrierOperationQuerySet:
        """To be tried (again), and nobody does."""
        return self.filter(state="pending", due_at__lte=now).order_by("due_at", "id")
