"""An approval as one person sees it: what it is, what came of it, and what they may do about it.

The read model of the inbox, the approval's page, the API and the chat widget.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, prefetch_related_objects
from django.utils import timezone

from approvals.actions import NEEDS_A_LOOK, words_of
from approvals.executors import is_registered
from approvals.models import Approval, Decision, Policy
from approvals.outcomes import outcome_words
from approvals.policies import Requirement, requirements_of
from approvals.querysets import ApprovalQuerySet
from approvals.quotes import Quote
from approvals.states import Status
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.accounts.permissions import may_decide_approvals
from cliqtel_portal.money import Money

STATUS_WORDS = {
    Status.PENDING: "Waiting",
    Status.APPROVED: "Approved",
    Status.REJECTED: "Rejected",
    Status.EXPIRED: "Expired",
    Status.CANCELLED: "Taken back",
    Status.EXECUTING: "In progress",
    Status.EXECUTED: "Done",
    Status.FAILED: "Failed",
}


@dataclass(frozen=True, kw_only=True)
class Cost:
    once: Money
    monthly: Money
    # What the click spends at once.
    first_charge: Money

    @classmethod
    def of(cls, quote: Quote) -> Cost:
        return cls(
            once=Money(amount=quote.once, currency=quote.currency),
            monthly=Money(amount=quote.monthly, currency=quote.currency),
            first_charge=quote.first_charge,
        )


@dataclass(frozen=True, kw_only=True)
class Card:
    """`host` and `reason` are the AI host's words, `token` the requester's: shown as theirs."""

    id: uuid.UUID
    action: str
    action_words: str
    title: str
    summary: str
    # None: it costs nothing.
    cost: Cost | None
    # Of the quote before, where the price changed while it waited.
    previous_cost: Cost | None
    is_requoted: bool
    requester_name: str
    is_mine: bool
    host: str
    token: str
    reason: str
    # As a reader sees it now: expired as soon as time is over.
    status: Status
    status_words: str
    created_at: datetime
    expires_at: datetime
    # What a decision has to send back.
    digest: str
    path: str
    may_approve: bool
    may_reject: bool
    may_cancel: bool
    # A sentence: why the reader may not approve something that waits; empty where they may.
    why_not: str
    # With the approval: the reader confirms with their password.
    needs_password: bool
    # How many people still have to agree; 0 where it waits for nobody.
    approvals_missing: int
    # Of the last word that was said; empty where the clock said it.
    decided_by: str
    decided_at: datetime | None
    comment: str
    # What came of it, in words.
    outcome: str
    # When an execution that met an obstacle goes on.
    next_try_at: datetime | None

    @property
    def is_waiting(self) -> bool:
        return self.status == Status.PENDING

    @property
    def is_simple(self) -> bool:
        """One click in a list is enough: nothing in it needs a second look or a password."""
        return (
            self.may_approve
            and not self.needs_password
            and not self.is_requoted
            and self.approvals_missing == 1
            and self.action not in NEEDS_A_LOOK
        )

    @property
    def is_under_way(self) -> bool:
        return self.status in {Status.APPROVED, Status.EXECUTING}


def path_of(approval_id: uuid.UUID) -> str:
    """Promised: it is what AI hosts show their people."""
    return f"/approvals/{approval_id}/"


def waiting_approvals(member: Membership, now: datetime | None = None) -> ApprovalQuerySet:
    """Those of the tenant that the person may have a word in, the most urgent first.

    Not those that they have agreed to and that wait for somebody else. Of a policy that asks for a
    higher role than an approver's this knows nothing: the card says so.
    """
    if not may_decide_approvals(member.role):
        return Approval.objects.none()
    agreed = Decision.objects.filter(
        approval=OuterRef("pk"), round=OuterRef("round"), user_id=member.user_id
    )
    return (
        Approval.objects.for_tenant(member.tenant)
        .awaiting(now or timezone.now())
        .filter(~Exists(agreed))
    )


def waiting_for(member: Membership, now: datetime | None = None) -> int:
    """How many wait for the person: one query, on every page."""
    return waiting_approvals(member, now).count()


def cards_of(
    member: Membership, approvals: Iterable[Approval], now: datetime | None = None
) -> list[Card]:
    """The cards, in the same order, as this person may see them.

    A constant number of queries: policies, members, requesters, decisions.

    Raises:
        ValueError: an approval is another tenant's.
    """
    now = now or timezone.now()
    rows = list(approvals)
    if any(row.tenant_id != member.tenant_id for row in rows):
        raise ValueError("approvals of another tenant")
    if not rows:
        return []
    prefetch_related_objects(
        rows,
        "requester",
        Prefetch("decisions", queryset=Decision.objects.in_order(), to_attr="decisions_in_order"),
    )
    requirements = requirements_of(member.tenant, rows)
    return [_card(member, row, requirements[row.pk], now) for row in rows]


def _card(member: Membership, approval: Approval, requirement: Requirement, now: datetime) -> Card:
    decisions: Sequence[Decision] = approval.decisions_in_order  # type: ignore[attr-defined]
    last = decisions[-1] if decisions else None
    status = approval.status_at(now)
    agreed = {
        decision.user_id
        for decision in decisions
        if decision.round == approval.round and decision.verdict == Decision.Verdict.APPROVE
    }
    lacking = requirement.deciders - len(agreed & requirement.pool)
    # With fewer people, or a milder policy, since the last word: one more click is enough.
    missing = max(1, lacking) if status == Status.PENDING else 0
    is_mine = approval.requester_id == member.user_id
    can_run = status == Status.PENDING and is_registered(approval.action)
    may_decide = can_run and requirement.terms.may_decide(member.role)
    why_not = _why_not(member, approval, requirement, status, agreed, lacking)
    is_cancelled = status == Status.CANCELLED
    decider = approval.requester if is_cancelled else last.user if last else None
    return Card(
        id=approval.pk,
        action=approval.action,
        action_words=words_of(approval.action),
        title=approval.title,
        summary=approval.summary,
        cost=Cost.of(approval.price) if approval.price else None,
        previous_cost=(
            Cost.of(Quote.from_json(approval.previous_quote)) if approval.previous_quote else None
        ),
        is_requoted=approval.round > 1,
        requester_name=approval.requester.display_name,
        is_mine=is_mine,
        host=approval.client_label,
        token=approval.token_label,
        reason=approval.reason_text,
        status=status,
        status_words=STATUS_WORDS[status],
        created_at=approval.created_at,
        expires_at=approval.expires_at,
        digest=approval.digest,
        path=path_of(approval.pk),
        may_approve=may_decide and not why_not,
        may_reject=may_decide,
        may_cancel=can_run and is_mine,
        why_not=why_not,
        needs_password=may_decide and not why_not and requirement.needs_password,
        approvals_missing=missing,
        decided_by=decider.display_name if decider else "",
        decided_at=approval.decided_at or (last.at if last else None),
        comment=last.comment if last and not is_cancelled else "",
        outcome=outcome_words(approval, member.tenant, now),
        next_try_at=approval.due_at if approval.retry_message else None,
    )


def _why_not(
    member: Membership,
    approval: Approval,
    requirement: Requirement,
    status: Status,
    agreed: set[uuid.UUID],
    lacking: int,
) -> str:
    if status == Status.EXPIRED:
        return "Nobody decided in time. Have it drafted again."
    if status != Status.PENDING:
        return ""
    if not requirement.terms.may_decide(member.role):
        deciders = Policy.DeciderRole(requirement.terms.decider_role).label
        return f"{deciders} of {member.tenant.name} decide this."
    if member.user_id in agreed and lacking > 0:
        people = "person has" if lacking == 1 else "people have"
        return f"You have approved it. {lacking} more {people} to."
    if requirement.excludes_requester and approval.requester_id == member.user_id:
        return "You asked for it, so another person has to approve it."
    if not is_registered(approval.action):
        return "The portal can't carry this out just now. Look again later."
    return ""
