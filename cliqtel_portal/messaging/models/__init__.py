"""Messages, what was sent together, who asked for silence, templates, and the tenant's limit."""

from __future__ import annotations

from cliqtel_portal.messaging.models.batches import MessageBatch
from cliqtel_portal.messaging.models.limits import MessagingLimit, MessagingLimitChange
from cliqtel_portal.messaging.models.messages import Message
from cliqtel_portal.messaging.models.opt_outs import OptOut
from cliqtel_portal.messaging.models.templates import MessageTemplate

__all__ = [
    "Message",
    "MessageBatch",
    "MessageTemplate",
    "MessagingLimit",
    "MessagingLimitChange",
    "OptOut",
]
