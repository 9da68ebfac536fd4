"""What open pages are told. Ids only: what a card shows is asked for, with the reader's rights."""

from __future__ import annotations

from approvals.models import Approval
from cliqtel_portal.notices.services import record_event

CREATED = "approval.created"
# Any word of a person, or of the clock: one of two approvals, rejected, cancelled, expired.
DECIDED = "approval.decided"
# Another price: the card has to be drawn anew.
REQUOTED = "approval.requoted"
# Its execution ended, well or not.
EXECUTED = "approval.executed"


def tell(approval: Approval, kind: str) -> None:
    """Last in its transaction (see `record_event`)."""
    record_event(approval.tenant, kind=kind, payload={"approval_id": str(approval.pk)})
