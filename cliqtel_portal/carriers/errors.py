"""What can go wrong upstream. A carrier's own words stay in the log; callers get ours."""

from __future__ import annotations

from collections.abc import Sequence

from cliqtel_portal.errors import PortalError, Problem


class CarrierError(PortalError):
    """Base of every failure of a carrier."""


class CarrierUnavailableError(CarrierError):
    """No answer, overload or maintenance: the same request may succeed later.

    `nothing_done` where the carrier said so (a rate limit, maintenance): after a timeout nobody
    knows. `retry_after_seconds` is the carrier's own wish.
    """

    code = "carrier_unavailable"
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        nothing_done: bool = False,
        retry_after_seconds: int | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        super().__init__(message, problems=problems)
        self.nothing_done = nothing_done
        self.retry_after_seconds = retry_after_seconds


class CarrierRejectedError(CarrierError):
    """The carrier understood and refused: the same request is refused again."""

    code = "carrier_rejected"


class OperationConflict(CarrierError):
    """The key belongs to another operation already: a mistake of ours, found before it is sent."""

    code = "idempotency_conflict"
