from __future__ import annotations

from cliqtel_portal.errors import PortalError


class BillingError(PortalError):
    """Base of what can be wrong with the ledger."""


class LedgerConflict(BillingError):
    """That reference is booked already, with another amount or for another tenant."""

    code = "idempotency_conflict"


class BalanceTooLow(BillingError):
    """The account does not hold what it would cost."""

    code = "balance_too_low"
