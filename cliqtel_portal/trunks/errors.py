from __future__ import annotations

from cliqtel_portal.errors import NotFound, PortalError


class TrunkNotFound(NotFound):
    """No such trunk in the tenant."""


class CredentialError(PortalError):
    """A stored SIP password does not decrypt: SECRET_KEY changed without a fallback."""
