from __future__ import annotations

from typing import TYPE_CHECKING

from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    from cliqtel_portal.carriers.models import CarrierOperation  # noqa: F401 - the row type


class CarrierOperationQuerySet(TenantQuerySet["CarrierOperation"]):
    """Start every read for a person with `for_tenant`."""
