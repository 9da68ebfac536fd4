from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cliqtel_portal.errors import NotPermitted, PortalError


class ApprovalError(PortalError):
    """Base of what can be wrong with an approval."""


class AlreadyDecided(ApprovalError):
    """Somebody was first. `decided_by` is a display name, empty where a clock decided."""

    code = "already_decided"

    def __init__(self, *, status: str, decided_by: str, decided_at: datetime) -> None:
        who = f" by {decided_by}" if decided_by else ""
        when = decided_at.strftime("%Y-%m-%d %H:%M UTC")
        super().__init__(f"This was {status}{who} on {when}. Nothing was changed by you.")
        self.status = status
        self.decided_by = decided_by
        self.decided_at = decided_at

    @property
    def details(self) -> Mapping[str, Any]:
        return {
            "status": self.status,
            "decided_by": self.decided_by,
            "decided_at": self.decided_at.isoformat(),
        }


class ApprovalExpired(ApprovalError):
    """Nobody decided in time; the draft has to be made again."""

    code = "approval_expired"


class PriceChanged(ApprovalError):
    """What was shown is not what it costs now: it needs a new look and a new click."""

    code = "price_changed"


class OwnRequest(NotPermitted):
    """Policy asks for another person than the requester."""


class PasswordRequired(ApprovalError):
    """The tenant has too few deciders: the one there is confirms with their password."""

    code = "password_required"


class DigestMismatch(ApprovalError):
    """The stored arguments or price are not those that were digested: nothing may run."""

    code = "digest_mismatch"


class NoExecutor(ApprovalError, LookupError):
    """A process of another version asked for an action that this one doesn't know."""

    code = "not_available"
    retryable = True
