"""Doing what was approved, exactly once, whatever dies on the way.

Each step commits by itself, so that a crash leaves a row that says how far it came:

    approved             claim: executing, attempts + 1, due again in a minute
    executing            recheck; then `begun_at` says that the deed may have been done
    executing, begun     executor with the approval's idempotency key; then the outcome

The scan takes over what is due. The advisory lock keeps a living worker's approval from being
taken over; the number of attempts keeps a worker that lost its lock from writing.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from approvals import events
from approvals.digest import digest_of
from approvals.errors import DigestMismatch, PriceChanged
from approvals.executors import Executor, executor_of
from approvals.models import Approval
from approvals.states import Status
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.errors import NotPermitted, PortalError
from cliqtel_portal.locks import advisory_lock

logger = logging.getLogger(__name__)

_MAX_MESSAGE = 500


class _GaveUp(PortalError):
    """Its workers died, or met a mistake of ours, too often."""


def lost_ids(*, now: datetime | None = None, limit: int = 100) -> list[uuid.UUID]:
    """Approvals that somebody should execute and nobody does."""
    return list(Approval.objects.lost(now or timezone.now()).values_list("pk", flat=True)[:limit])


def execute_approval(approval_id: uuid.UUID, *, now: datetime | None = None) -> None:
    """The approval is executed or failed; or it is due again; or another worker has it.

    Not inside a transaction. Safe to call at any time, for any id, from any number of workers.
    """
    with advisory_lock(f"approvals.execute.{approval_id}") as acquired:
        if not acquired:
            return
        approval = claim_for_execution(approval_id, now=now)
        if approval is not None:
            _run(approval, now)


@transaction.atomic
def claim_for_execution(approval_id: uuid.UUID, *, now: datetime | None = None) -> Approval | None:
    """Return the approval, claimed by one more attempt; None: there is nothing to do.

    A claim too many ends it as failed.
    """
    now = now or timezone.now()
    claimed = (
        Approval.objects.filter(pk=approval_id, attempts__lt=settings.APPROVAL_MAX_ATTEMPTS)
        .claimable(now)
        .update(
            status=Status.EXECUTING,
            attempts=F("attempts") + 1,
            due_at=now + timedelta(seconds=settings.APPROVAL_CLAIM_SECONDS),
            retry_message="",
        )
    )
    rows = Approval.objects.select_related("tenant", "requester")
    if claimed:
        return rows.get(pk=approval_id)
    exhausted = rows.filter(pk=approval_id, status=Status.EXECUTING).claimable(now).first()
    if exhausted is not None:
        reason = _GaveUp(
            "It was tried several times without an answer. Check whether it was done before you"
            " draft it again; support can tell."
            if exhausted.begun_at
            else "It could not be started. Nothing was done; draft it again."
        )
        _fail(exhausted, reason, now)
    return None


def _run(approval: Approval, now: datetime | None) -> None:
    executor = executor_of(approval.action)
    try:
        if approval.begun_at is None:
            _recheck(approval, executor)
            if not _mark_begun(approval, now or timezone.now()):
                return
        outcome = executor.execute(approval, approval.idempotency_key)
    except PortalError as error:
        if error.retryable and approval.attempts < settings.APPROVAL_MAX_ATTEMPTS:
            _postpone(approval, error, now or timezone.now())
        else:
            _fail(approval, error, now or timezone.now())
    else:
        _succeed(approval, outcome, now or timezone.now())


def _recheck(approval: Approval, executor: Executor) -> None:
    """What was true at the click is true still. Not asked again once the deed has begun: it would
    refuse, as unavailable, the very number that an attempt which died has bought.
    """
    digest = digest_of(
        action=approval.action,
        tenant_id=approval.tenant_id,
        arguments=approval.arguments,
        quote=approval.quote,
    )
    if digest != approval.digest:
        raise DigestMismatch("What is stored is not what was approved. Nothing was done.")
    if approval.tenant.status != Tenant.Status.ACTIVE:
        raise NotPermitted("The account is suspended. Nothing was done.")
    if executor.recheck(approval) != approval.price:
        raise PriceChanged("The price changed after the approval. Nothing was done; draft again.")


def _mark_begun(approval: Approval, now: datetime) -> bool:
    if not _held(approval).update(begun_at=now):
        logger.warning("approval %s was taken over before it began", approval.pk)
        return False
    approval.begun_at = now
    return True


def _held(approval: Approval) -> Any:
    """The row, as long as this claim is the newest."""
    return Approval.objects.filter(
        pk=approval.pk, status=Status.EXECUTING, attempts=approval.attempts
    )


def _postpone(approval: Approval, error: PortalError, now: datetime) -> None:
    seconds = min(
        settings.APPROVAL_RETRY_SECONDS * 2 ** (approval.attempts - 1),
        settings.APPROVAL_RETRY_MAX_SECONDS,
    )
    logger.info("approval %s: %s, again in %s s", approval.pk, error.code, seconds)
    _held(approval).update(
        due_at=now + timedelta(seconds=seconds), retry_message=error.message[:_MAX_MESSAGE]
    )


@transaction.atomic
def _succeed(approval: Approval, outcome: Mapping[str, Any], now: datetime) -> None:
    if _held(approval).transition(
        Status.EXECUTED, due_at=None, executed_at=now, outcome=dict(outcome)
    ):
        events.tell(approval, events.EXECUTED)
    else:
        logger.warning("approval %s was taken over: its outcome is not written", approval.pk)


@transaction.atomic
def _fail(approval: Approval, error: PortalError, now: datetime) -> None:
    # The deed was begun and no executor said that it was not done.
    uncertain = approval.begun_at is not None and (error.retryable or type(error) is _GaveUp)
    outcome = {
        "message": error.message,
        "problems": [
            {"field": problem.field, "message": problem.message} for problem in error.problems
        ],
        "uncertain": uncertain,
    }
    if _held(approval).transition(
        Status.FAILED,
        due_at=None,
        executed_at=now,
        outcome=outcome,
        error_code=error.code,
        retry_message="",
    ):
        logger.warning("approval %s failed: %s", approval.pk, error.code)
        if not uncertain:
            approval.refresh_from_db()
            executor_of(approval.action).withdraw(approval)
        events.tell(approval, events.EXECUTED)
