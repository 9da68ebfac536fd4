from __future__ import annotations

from cliqtel_portal.errors import NotFound, PortalError


class CallFlowNotFound(NotFound):
    """No such call flow, or none on that number, in the tenant."""


class GraphUnreadableError(PortalError):
    """A stored graph does not parse: the rules became stricter than what was saved."""
