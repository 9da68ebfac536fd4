"""What can go wrong upstream. A carrier's own words stay in the log; callers get ours."""

from __future__ import annotations

from cliqtel_portal.errors import PortalError


class CarrierError(PortalError):
    """Base of every failure of a carrier."""


class CarrierUnavailableError(CarrierError):
    """No answer, overload or maintenance: the same request may succeed later."""

    code = "carrier_unavailable"
    retryable = True


class CarrierRejectedError(CarrierError):
    """The carrier understood and refused: the same request is refused again."""

    code = "carrier_rejected"
