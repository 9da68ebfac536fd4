"""Approvals in any state, reached the way the database allows; executors that count."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from approvals.digest import digest_of
from approvals.models import Approval, Decision, Policy
from approvals.presentation import Presentation
from approvals.querysets import ApprovalQuerySet
from approvals.quotes import Quote
from approvals.states import Status
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import PortalError

ACTION = "order_number"
ARGUMENTS = {"numbers": ["+31612345678"], "reason": 'x" onload="<b>\u202e'}


def quote_of(once: str, monthly: str = "0", currency: str = "EUR") -> Quote:
    return Quote(once=Decimal(once), monthly=Decimal(monthly), currency=currency)


def make_approval(
    requester: Membership,
    *,
    price: Quote | None = None,
    now: datetime | None = None,
    **fields: Any,
) -> Approval:
    """A pending approval, past every rule of `request_approval`."""
    now = now or timezone.now()
    values: dict[str, Any] = {
        "tenant": requester.tenant,
        "requester": requester.user,
        "action": ACTION,
        "title": "Order a number",
        "arguments": ARGUMENTS,
        "quote": price.as_json() if price else None,
        "amount": price.first_charge.amount if price else Decimal(0),
        "created_at": now,
        "expires_at": now + timedelta(hours=24),
        **fields,
    }
    digest = digest_of(
        action=values["action"],
        tenant_id=values["tenant"].pk,
        arguments=values["arguments"],
        quote=values["quote"],
    )
    return Approval.objects.create(digest=digest, **values)


def values_for(status: str, now: datetime) -> dict[str, Any]:
    """What the constraint of that status wants to see beside it."""
    values: dict[str, Any] = {
        "decided_at": now,
        "attempts": 0,
        "due_at": None,
        "begun_at": None,
        "executed_at": None,
        "outcome": None,
        "error_code": "",
    }
    match status:
        case "pending":
            values["decided_at"] = None
        case "approved":
            values["due_at"] = now
        case "executing":
            values |= {"due_at": now, "attempts": 1}
        case "executed":
            values |= {"attempts": 1, "begun_at": now, "executed_at": now, "outcome": {"ok": 1}}
        case "failed":
            values |= {
                "attempts": 1,
                "executed_at": now,
                "outcome": {"message": "No."},
                "error_code": "number_unavailable",
            }
    return values


_ROADS = {
    "pending": [],
    "rejected": ["rejected"],
    "expired": ["expired"],
    "cancelled": ["cancelled"],
    "approved": ["approved"],
    "executing": ["approved", "executing"],
    "executed": ["approved", "executing", "executed"],
    "failed": ["approved", "executing", "failed"],
}


def decide(approval: Approval, decider: Membership, verdict: str = "approve") -> Decision:
    return Decision.objects.create(
        approval=approval,
        user=decider.user,
        verdict=verdict,
        digest_seen=approval.digest,
        round=approval.round,
    )


def approval_in(
    status: str, requester: Membership, *, now: datetime | None = None, **fields: Any
) -> Approval:
    """An approval that came to the status by the allowed road, decided by its requester."""
    now = now or timezone.now()
    approval = make_approval(requester, now=now - timedelta(minutes=1), **fields)
    for step in _ROADS[status]:
        if step in {"approved", "rejected"}:
            decide(approval, requester, "approve" if step == "approved" else "reject")
        row = Approval.objects.filter(pk=approval.pk)
        assert row.transition(Status(step), **values_for(step, now)) == 1
    approval.refresh_from_db()
    return approval


def past_the_triggers(rows: ApprovalQuerySet, **changes: Any) -> None:
    """What somebody with the database owner's password could do."""
    with connection.cursor() as cursor:
        # A table with checks still to come can't be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE approvals_approval DISABLE TRIGGER approvals_approval_guard")
        assert rows.update(**changes) == 1
        cursor.execute("ALTER TABLE approvals_approval ENABLE TRIGGER approvals_approval_guard")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def make_policy(editor: Membership, **fields: Any) -> Policy:
    values: dict[str, Any] = {
        "tenant": editor.tenant,
        "action": ACTION,
        "four_eyes_from": None,
        "expires_seconds": 3600,
        "updated_by": editor.user,
        **fields,
    }
    return Policy.objects.create(**values)


@dataclass
class CountingExecutor:
    """Does its deed once a key, as the contract wants; `deeds` is the world outside."""

    price: Quote | None = None
    recheck_error: PortalError | None = None
    # Raised before and after the deed, once for each entry.
    faults_before: list[BaseException] = field(default_factory=list)
    faults_after: list[BaseException] = field(default_factory=list)
    deeds: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    rechecks: int = 0
    withdrawn: list[tuple[uuid.UUID, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def recheck(self, approval: Approval) -> Quote | None:
        self.rechecks += 1
        if self.recheck_error is not None:
            raise self.recheck_error
        return self.price

    def execute(self, approval: Approval, idempotency_key: str) -> Mapping[str, Any]:
        self.calls.append(idempotency_key)
        if self.faults_before:
            raise self.faults_before.pop(0)
        self.deeds.setdefault(idempotency_key, {"order": len(self.deeds) + 1})
        if self.faults_after:
            raise self.faults_after.pop(0)
        return self.deeds[idempotency_key]

    def withdraw(self, approval: Approval) -> None:
        self.withdrawn.append((approval.pk, approval.status))

    def present(self, approval: Approval) -> Presentation:
        return Presentation(consequences=("It is counted.",))
