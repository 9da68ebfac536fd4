"""What happened to one approval, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from approvals.cards import Card
from approvals.models import Approval, Decision
from approvals.states import Status


@dataclass(frozen=True, kw_only=True)
class Happening:
    """`words` are ours; `who` and `comment` are people's."""

    at: datetime
    words: str
    who: str = ""
    comment: str = ""
    # The colour of its dot: ok, bad, warn, info.
    tone: str = "info"


def timeline_of(
    approval: Approval, card: Card, decisions: Sequence[Decision], now: datetime
) -> list[Happening]:
    return sorted(_happenings(approval, card, decisions, now), key=lambda one: one.at)


def _happenings(
    approval: Approval, card: Card, decisions: Sequence[Decision], now: datetime
) -> Iterator[Happening]:
    yield Happening(at=approval.created_at, words="Asked for", who=card.requester_name)
    if approval.requoted_at:
        yield Happening(
            at=approval.requoted_at,
            words="The price changed: it waits with the new one",
            tone="warn",
        )
    for decision in decisions:
        yield _decided(decision, approval)
    match card.status:
        case Status.CANCELLED if approval.decided_at:
            yield Happening(at=approval.decided_at, words="Taken back", who=card.requester_name)
        case Status.EXPIRED:
            yield Happening(at=approval.expires_at, words="Nobody decided in time", tone="warn")
    if approval.begun_at:
        yield Happening(at=approval.begun_at, words="Begun")
    if card.status == Status.EXECUTING and approval.retry_message:
        yield Happening(
            at=now, words=f"Attempt {approval.attempts}: {approval.retry_message}", tone="warn"
        )
    if approval.executed_at:
        tries = f" (attempt {approval.attempts})" if approval.attempts > 1 else ""
        done = card.status == Status.EXECUTED
        yield Happening(
            at=approval.executed_at, words=f"{card.outcome}{tries}", tone="ok" if done else "bad"
        )


def _decided(decision: Decision, approval: Approval) -> Happening:
    is_yes = decision.verdict == Decision.Verdict.APPROVE
    words = "Approved" if is_yes else "Rejected"
    if is_yes and decision.round < approval.round:
        words += ", at the price before"
    if decision.with_password:
        words += ", with password"
    return Happening(
        at=decision.at,
        words=words,
        who=decision.user.display_name,
        comment=decision.comment,
        tone="ok" if is_yes else "bad",
    )
