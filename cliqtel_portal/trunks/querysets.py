from __future__ import annotations

from typing import TYPE_CHECKING

from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    from cliqtel_portal.trunks.models import Trunk  # noqa: F401 - the queryset's row type


class TrunkQuerySet(TenantQuerySet["Trunk"]):
    """Start every read with `for_tenant`."""
