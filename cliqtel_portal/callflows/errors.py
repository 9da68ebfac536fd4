from __future__ import annotations

from collections.abc import Sequence

from cliqtel_portal.errors import InvalidArguments, NotFound, PortalError, Problem


class CallFlowNotFound(NotFound):
    """No such call flow, or none on that number, in the tenant."""


class RevisionNotFound(NotFound):
    """The flow has no revision of that number."""


class ChangeNotFound(NotFound):
    """No such proposed change in the tenant."""


class GraphUnreadableError(PortalError):
    """A stored graph does not parse: the rules became stricter than what was saved."""


class FlowArchived(InvalidArguments):
    """The flow is kept for the record and changes no more."""


class FlowUnsound(InvalidArguments):
    """The result would lose calls; `problems` has every finding that is an error."""


class NothingChanges(InvalidArguments):
    """The flow would be as it is."""


class TooManyChanges(PortalError):
    """As many changes of this flow wait as may; one has to be decided first."""

    code = "quota_exceeded"


class ChangeClosed(PortalError):
    """The change was rejected or taken back: it will not be published."""

    code = "approval_rejected"


class StaleBase(PortalError):
    """The flow is not in the state that the change was made on.

    `current_etag` and `current_revision` name the state it is in; `problems` tell in words what
    changed since.
    """

    code = "stale_base"

    def __init__(
        self,
        message: str,
        *,
        problems: Sequence[Problem] = (),
        current_etag: str,
        current_revision: int,
    ) -> None:
        super().__init__(message, problems=problems)
        self.current_etag = current_etag
        self.current_revision = current_revision
