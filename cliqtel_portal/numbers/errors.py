from __future__ import annotations

from cliqtel_portal.errors import PortalError


class NumbersError(PortalError):
    """Base of what can be wrong with numbers and their orders."""


class NumberUnavailable(NumbersError):
    """The number exists, but not for this: sold, held, being ported, given up."""

    code = "number_unavailable"


class HoldLimitReached(NumbersError):
    """The tenant keeps as many numbers from others as it may."""

    code = "quota_exceeded"


class RequirementsMissing(NumbersError):
    """The regulator asks for something the tenant has not shown; `problems` lists each."""

    code = "requirements_missing"


class OrderPriceChanged(NumbersError):
    """The order's lines cost something else than what was approved."""

    code = "price_changed"


class OrderFailed(NumbersError):
    """A placed order came to nothing; `code` is the carrier's error. The money is back."""


class ConnectionChanged(NumbersError):
    """Calls to the number go elsewhere than the caller had seen."""

    code = "stale_base"


class ReleaseBlocked(NumbersError):
    """The number can't be given up yet; `problems` lists every reason."""

    code = "release_blocked"
