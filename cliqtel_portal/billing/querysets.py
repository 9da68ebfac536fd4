from __future__ import annotations

from typing import TYPE_CHECKING

from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    # The querysets' row types.
    from cliqtel_portal.billing.models import LedgerEntry, UsageStatement  # noqa: F401


class LedgerEntryQuerySet(TenantQuerySet["LedgerEntry"]):
    pass


class UsageStatementQuerySet(TenantQuerySet["UsageStatement"]):
    pass
