from __future__ import annotations

from cliqtel_portal.errors import PortalError


class MessagingError(PortalError):
    """Base of what can be wrong with a message."""


class OverLimit(MessagingError):
    """More than may be sent today without a person's approval."""

    code = "approval_required"


class DraftWithdrawn(MessagingError):
    """The draft was rejected, cancelled or expired: it is never sent."""

    code = "approval_rejected"


class KeyConflict(MessagingError):
    """The key was used for another message."""

    code = "idempotency_conflict"


class OptedOut(MessagingError):
    """The receiver said STOP after the message was queued."""

    code = "opted_out"


class MessagePriceChanged(MessagingError):
    """The message costs more than was approved."""

    code = "price_changed"
