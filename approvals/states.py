"""The life of an approval, as one table. A trigger of the first migrations holds the same table."""

from __future__ import annotations

from django.db import models


class Status(models.TextChoices):
    PENDING = "pending", "Pending"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    EXPIRED = "expired", "Expired"
    CANCELLED = "cancelled", "Cancelled"
    EXECUTING = "executing", "Executing"
    EXECUTED = "executed", "Executed"
    FAILED = "failed", "Failed"


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.APPROVED, Status.REJECTED, Status.EXPIRED, Status.CANCELLED}),
    Status.APPROVED: frozenset({Status.EXECUTING}),
    Status.EXECUTING: frozenset({Status.EXECUTED, Status.FAILED}),
    Status.REJECTED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.EXECUTED: frozenset(),
    Status.FAILED: frozenset(),
}
FINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)


def is_allowed(source: str, target: str) -> bool:
    return Status(target) in TRANSITIONS[Status(source)]


def sources_of(target: str) -> list[Status]:
    """From where the status can be reached: the condition of the update that sets it."""
    return [source for source in Status if is_allowed(source, target)]
