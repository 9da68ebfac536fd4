from __future__ import annotations

from cliqtel_portal.errors import NotFound, NotPermitted, PortalError


class TrunkNotFound(NotFound):
    """No such trunk in the tenant."""


class CredentialError(PortalError):
    """A stored SIP password does not decrypt: SECRET_KEY changed without a fallback."""


class NoCredential(NotFound):
    """The trunk has no password: its address is the proof."""


class RevealNotPermitted(NotPermitted):
    """Admins and owners only."""


class TooManyReveals(PortalError):
    """One person had as many passwords shown as may be in an hour."""

    code = "rate_limited"
    retryable = True
