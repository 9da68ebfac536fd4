from __future__ import annotations

from typing import TYPE_CHECKING

from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    from cliqtel_portal.billing.models import LedgerEntry  # noqa: F401 - the queryset's row type


class LedgerEntryQuerySet(TenantQuerySet["LedgerEntry"]):
    pass
