from __future__ import annotations

from cliqtel_portal.errors import PortalError


class NumberUnavailable(PortalError):
    """The number exists, but not for this: sold, held, being ported, given up."""

    code = "number_unavailable"


class ConnectionChanged(PortalError):
    """Calls to the number go elsewhere than the caller had seen."""

    code = "stale_base"


class ReleaseBlocked(PortalError):
    """The number can't be given up yet; `problems` lists every reason."""

    code = "release_blocked"
