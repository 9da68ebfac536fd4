"""Asking a person, and what the person says. Only a signed-in session may call the deciding ones.

Locks are taken in one order: the approval's row, then the tenant's event stream.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from approvals import events, tasks
from approvals.actors import live_member
from approvals.digest import NotCanonical, digest_of
from approvals.errors import (
    AlreadyDecided,
    ApprovalExpired,
    DigestMismatch,
    OwnRequest,
    PasswordRequired,
    PriceChanged,
)
from approvals.executors import executor_of, is_registered
from approvals.models import Approval, Decision
from approvals.policies import Requirement, requirement_of, terms_of
from approvals.quotes import Quote
from approvals.states import Status
from cliqtel_portal.accounts.models import Membership, Tenant, User
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted, Problem
from cliqtel_portal.inert import visible

logger = logging.getLogger(__name__)

_MAX_REASON = 2000
_MAX_COMMENT = 1000
_MAX_LABEL = 200
_MAX_TOKEN_LABEL = 120


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What came of a click. `missing`: how many more people have to agree; 0: it runs now."""

    approval: Approval
    missing: int


@transaction.atomic
def request_approval(
    tenant: Tenant,
    *,
    requester: User,
    action: str,
    title: str,
    summary: str = "",
    arguments: Mapping[str, Any],
    artifact_id: uuid.UUID | None = None,
    quote: Quote | None = None,
    reason_text: str = "",
    token_id: uuid.UUID | None = None,
    token_label: str = "",
    client_label: str = "",
    call_id: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Approval:
    """The approval waits for a person, and open pages are told.

    `title` and `summary` are ours; `reason_text` and `client_label` are the AI host's words,
    `token_label` the requester's.

    Raises:
        NotPermitted: the requester may not draft in this tenant.
        InvalidArguments: the arguments can't be stored as they are.
    """
    if not is_registered(action):
        raise LookupError(f"nothing executes {action}")
    member = Membership.objects.live().filter(tenant=tenant, user=requester).first()
    if member is None or not may_use_ai_access(member.role):
        raise NotPermitted("Your role does not allow drafts. Ask an owner for another role.")
    now = now or timezone.now()
    quoted = quote.as_json() if quote else None
    try:
        digest = digest_of(action=action, tenant_id=tenant.pk, arguments=arguments, quote=quoted)
    except NotCanonical as error:
        raise InvalidArguments(
            f"The arguments can't be kept exactly as they are: {error}. Correct them.",
            problems=[Problem(field="arguments", message=str(error))],
        ) from error
    approval = Approval.objects.create(
        tenant=tenant,
        action=action,
        title=_storable(title, _MAX_LABEL),
        summary=_storable(summary),
        arguments=dict(arguments),
        artifact_id=artifact_id,
        quote=quoted,
        amount=quote.first_charge.amount if quote else Decimal(0),
        digest=digest,
        reason_text=_storable(reason_text, _MAX_REASON),
        requester=requester,
        token_id=token_id,
        call_id=call_id,
        client_label=_storable(client_label, _MAX_LABEL),
        token_label=_storable(token_label, _MAX_TOKEN_LABEL),
        created_at=now,
        expires_at=now + timedelta(seconds=terms_of(tenant, action).expires_seconds),
    )
    events.tell(approval, events.CREATED)
    return approval


def approve(
    actor: Membership,
    *,
    approval_id: uuid.UUID,
    seen_digest: str,
    comment: str = "",
    password_confirmed: bool = False,
    now: datetime | None = None,
) -> Ruling:
    """The person has approved what they saw; with the last one needed, it is on its way to run.

    Not inside a transaction: a new price has to stay, although the click is refused.

    Raises:
        NotFound, NotPermitted, AlreadyDecided, ApprovalExpired: as for `reject`.
        OwnRequest: another person than the requester has to decide.
        PasswordRequired: confirm the password and call again with `password_confirmed`.
        PriceChanged: the price is not the one that was seen; the approval waits with the new one.
        PortalError: the executor's, where it can't be done now; the approval waits.
    """
    now = now or timezone.now()
    with transaction.atomic(durable=True):
        ruling = _approve(
            actor,
            approval_id,
            seen_digest=seen_digest,
            comment=comment,
            password_confirmed=password_confirmed,
            now=now,
        )
    if ruling is None:
        raise PriceChanged("The price has changed. Look at the new one, then decide again.")
    return ruling


def _approve(
    actor: Membership,
    approval_id: uuid.UUID,
    *,
    seen_digest: str,
    comment: str,
    password_confirmed: bool,
    now: datetime,
) -> Ruling | None:
    """None: the price was changed in the row."""
    approval, requirement = _open_for_decision(actor, approval_id, now)
    if requirement.excludes_requester and actor.user_id == approval.requester_id:
        raise OwnRequest("This needs another person: you can't approve what you asked for.")
    agreed = approval.decisions.filter(round=approval.round, verdict=Decision.Verdict.APPROVE)
    # Of those who may still decide: who was demoted since agreeing no longer counts.
    counting = agreed.filter(user__in=requirement.pool)
    earlier = agreed.filter(user_id=actor.user_id).select_related("user").first()
    # With fewer people, or a milder policy, since: their word may be enough now, said once more.
    if earlier is not None and counting.count() < requirement.deciders:
        raise AlreadyDecided(
            status="approved", decided_by=earlier.user.display_name, decided_at=earlier.at
        )
    _check_digest(approval)
    if seen_digest != approval.digest:
        raise PriceChanged("The price has changed since you saw it. Look again, then decide.")
    if requirement.needs_password and not password_confirmed:
        raise PasswordRequired("You decide this alone: confirm it with your password.")
    price = executor_of(approval.action).recheck(approval)
    if price != approval.price:
        _requote(approval, price, now)
        return None
    if earlier is None:
        _decide(
            approval,
            actor,
            Decision.Verdict.APPROVE,
            comment,
            now,
            with_password=password_confirmed,
        )
    missing = requirement.deciders - counting.count()
    if missing <= 0:
        due_at = now + timedelta(seconds=settings.APPROVAL_LOST_SECONDS)
        _move(approval, Status.APPROVED, decided_at=now, due_at=due_at)
        # Robust: a broker that is away must not turn a click that counted into an error page.
        transaction.on_commit(lambda: tasks.execute.delay(str(approval.pk)), robust=True)
    events.tell(approval, events.DECIDED)
    return Ruling(approval=approval, missing=max(0, missing))


@transaction.atomic
def reject(
    actor: Membership, *, approval_id: uuid.UUID, comment: str = "", now: datetime | None = None
) -> Approval:
    """The approval is rejected: one person is enough. The comment reaches the AI host.

    Raises:
        NotFound: no such approval in the actor's tenant.
        NotPermitted: the actor's role does not decide here.
        AlreadyDecided: it is over, or on its way; says who did it, and when.
        ApprovalExpired: time was over.
    """
    now = now or timezone.now()
    approval, _ = _open_for_decision(actor, approval_id, now)
    _decide(approval, actor, Decision.Verdict.REJECT, comment, now)
    _move(approval, Status.REJECTED, decided_at=now)
    executor_of(approval.action).withdraw(approval)
    events.tell(approval, events.DECIDED)
    return approval


@transaction.atomic
def cancel(actor: Membership, *, approval_id: uuid.UUID, now: datetime | None = None) -> Approval:
    """The requester has taken it back.

    Raises:
        NotFound, AlreadyDecided, ApprovalExpired: as for `reject`.
        NotPermitted: somebody else asked for it.
    """
    now = now or timezone.now()
    approval = _locked(actor, approval_id)
    if approval.requester_id != actor.user_id:
        raise NotPermitted("Only the person who asked for it can take it back.")
    _check_open(approval, now)
    _move(approval, Status.CANCELLED, decided_at=now)
    executor_of(approval.action).withdraw(approval)
    events.tell(approval, events.DECIDED)
    return approval


def _locked(actor: Membership, approval_id: uuid.UUID) -> Approval:
    tenant = live_member(actor).tenant
    approval = (
        Approval.objects.for_tenant(tenant)
        .select_for_update(of=("self",))
        .select_related("tenant", "requester")
        .filter(pk=approval_id)
        .first()
    )
    if approval is None:
        raise NotFound("There is no such approval. Reload the page.")
    return approval


def _open_for_decision(
    actor: Membership, approval_id: uuid.UUID, now: datetime
) -> tuple[Approval, Requirement]:
    approval = _locked(actor, approval_id)
    requirement = requirement_of(approval)
    # After the lock: who was demoted while we waited for it decides nothing.
    if not requirement.terms.may_decide(live_member(actor).role):
        raise NotPermitted("Your role does not decide this. Ask an approver of your company.")
    _check_open(approval, now)
    return approval, requirement


def _check_open(approval: Approval, now: datetime) -> None:
    status = approval.status_at(now)
    if status == Status.EXPIRED:
        raise ApprovalExpired("Nobody decided in time. Have it drafted again.")
    if status == Status.PENDING:
        return
    if status == Status.CANCELLED:
        verdict, decided_by = "cancelled", approval.requester.display_name
    else:
        decision = approval.decisions.in_order().last()
        verdict = "rejected" if status == Status.REJECTED else "approved"
        decided_by = decision.user.display_name if decision else ""
    raise AlreadyDecided(
        status=verdict, decided_by=decided_by, decided_at=approval.decided_at or now
    )


def _check_digest(approval: Approval) -> None:
    digest = digest_of(
        action=approval.action,
        tenant_id=approval.tenant_id,
        arguments=approval.arguments,
        quote=approval.quote,
    )
    if digest != approval.digest:
        logger.error("approval %s: what is stored is not what was digested", approval.pk)
        raise DigestMismatch("What is stored is not what was asked for. Have it drafted again.")


def _decide(
    approval: Approval,
    actor: Membership,
    verdict: Decision.Verdict,
    comment: str,
    now: datetime,
    *,
    with_password: bool = False,
) -> Decision:
    return Decision.objects.create(
        approval=approval,
        user_id=actor.user_id,
        verdict=verdict,
        comment=_storable(comment, _MAX_COMMENT),
        digest_seen=approval.digest,
        round=approval.round,
        with_password=with_password,
        at=now,
    )


def _move(approval: Approval, target: Status, **values: Any) -> None:
    """The row is locked and open: nobody can have been first."""
    Approval.objects.filter(pk=approval.pk).transition(target, **values)
    approval.refresh_from_db()


def _requote(approval: Approval, price: Quote | None, now: datetime) -> None:
    quoted = price.as_json() if price else None
    approval.previous_quote = approval.quote
    approval.quote = quoted
    approval.amount = price.first_charge.amount if price else Decimal(0)
    approval.round += 1
    approval.digest = digest_of(
        action=approval.action,
        tenant_id=approval.tenant_id,
        arguments=approval.arguments,
        quote=quoted,
    )
    approval.requoted_at = now
    approval.save(
        update_fields=["previous_quote", "quote", "amount", "round", "digest", "requoted_at"]
    )
    events.tell(approval, events.REQUOTED)


def _storable(text: str, limit: int | None = None) -> str:
    """What PostgreSQL can't keep (NUL, half surrogate pairs) is left out, and what is too long.

    Words about the deed, not the deed: what would make them read as others is shown by name.
    """
    text = visible(text.replace("\x00", "").encode(errors="ignore").decode())
    return text if limit is None or len(text) <= limit else f"{text[: limit - 1]}…"
