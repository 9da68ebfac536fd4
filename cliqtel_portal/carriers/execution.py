"""Asking a carrier for what the outbox holds, exactly once, whatever dies on the way.

    pending     claim: attempts + 1, due again in a minute, uncertain until an answer is written
                the carrier, with the row's key: the same key does nothing more and answers the same
                one transaction: the outcome, and what follows from it in the rows behind

The scan takes over what is due. The advisory lock keeps a living worker's operation from being
taken over; the number of attempts keeps a worker that lost its lock from writing.
"""

from __future__ import annotations

import logging
import time
import uuid
import zlib
from datetime import datetime, timedelta
from typing import Any, assert_never

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cliqtel_portal.carriers.base import CarrierBackend
from cliqtel_portal.carriers.errors import CarrierRejectedError, CarrierUnavailableError
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.carriers.outcomes import handler_of
from cliqtel_portal.carriers.registry import backend_of
from cliqtel_portal.carriers.reports import OperationReport
from cliqtel_portal.carriers.types import NumberOrder, NumberRelease, OutboundMessage, Receipt
from cliqtel_portal.errors import PortalError
from cliqtel_portal.locks import advisory_lock

logger = logging.getLogger(__name__)

State = CarrierOperation.State
_POLL_SECONDS = 0.05


def due_ids(*, now: datetime | None = None, limit: int = 200) -> list[uuid.UUID]:
    """Operations that somebody should try and nobody does."""
    rows = CarrierOperation.objects.due(now or timezone.now())
    return list(rows.values_list("pk", flat=True)[:limit])


def perform(
    operation_id: uuid.UUID, *, now: datetime | None = None, wait_seconds: float | None = None
) -> CarrierOperation:
    """The operation was tried once more, if it is due; return it as it then is.

    `pending`: it is tried again later, or another worker has it (waited for so long, by default
    CARRIER_WAIT_SECONDS). Not inside a transaction. Safe to call at any time, for any id, from any
    number of workers.
    """
    patience = settings.CARRIER_WAIT_SECONDS if wait_seconds is None else wait_seconds
    deadline = time.monotonic() + patience
    while not _try_once(operation_id, now) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return CarrierOperation.objects.get(pk=operation_id)


def _try_once(operation_id: uuid.UUID, now: datetime | None) -> bool:
    """False: another worker has it."""
    with advisory_lock(f"carriers.perform.{operation_id}") as acquired:
        if not acquired:
            return False
        operation = claim(operation_id, now=now)
        if operation is not None:
            _attempt(operation, now)
        return True


@transaction.atomic(durable=True)
def claim(operation_id: uuid.UUID, *, now: datetime | None = None) -> CarrierOperation | None:
    """Return the operation, claimed by one more attempt; None: there is nothing to do.

    The object's `is_uncertain` is what was known before this attempt. A claim too many ends the
    operation as failed.
    """
    now = now or timezone.now()
    operation = (
        CarrierOperation.objects.due(now).select_for_update().filter(pk=operation_id).first()
    )
    if operation is None:
        return None
    if operation.attempts >= settings.CARRIER_MAX_ATTEMPTS:
        _fail(operation, _no_answer(), now, is_uncertain=True)
        return None
    operation.attempts += 1
    operation.due_at = now + timedelta(seconds=settings.CARRIER_CLAIM_SECONDS)
    CarrierOperation.objects.filter(pk=operation.pk).update(
        attempts=operation.attempts, due_at=operation.due_at, is_uncertain=True
    )
    return operation


def _attempt(operation: CarrierOperation, now: datetime | None) -> None:
    try:
        receipt = _ask(operation)
    except CarrierRejectedError as error:
        # A carrier that had done it under this key would have said so.
        _fail(operation, error, now or timezone.now(), is_uncertain=False)
    except CarrierUnavailableError as error:
        uncertain = operation.is_uncertain or not error.nothing_done
        _postpone(operation, error, now or timezone.now(), is_uncertain=uncertain)
    except PortalError as error:
        _fail(operation, error, now or timezone.now(), is_uncertain=operation.is_uncertain)
    else:
        _succeed(operation, receipt, now or timezone.now())


def _ask(operation: CarrierOperation) -> Receipt:
    request = handler_of(operation.kind).request(operation)
    return _send(backend_of(operation.carrier), request, operation.idempotency_key)


def _send(
    backend: CarrierBackend, request: NumberOrder | NumberRelease | OutboundMessage, key: str
) -> Receipt:
    match request:
        case NumberOrder():
            return backend.order_numbers(request, idempotency_key=key)
        case NumberRelease():
            return backend.release_number(request, idempotency_key=key)
        case OutboundMessage():
            return backend.send_message(request, idempotency_key=key)
        case _:
            assert_never(request)


def _held(operation: CarrierOperation) -> Any:
    """The row, as long as this claim is the newest."""
    return CarrierOperation.objects.filter(
        pk=operation.pk, state=State.PENDING, attempts=operation.attempts
    )


@transaction.atomic
def _succeed(operation: CarrierOperation, receipt: Receipt, now: datetime) -> None:
    is_done = receipt.state == "done"
    written = _held(operation).update(
        state=State.DONE if is_done else State.ACCEPTED,
        carrier_reference=receipt.reference,
        finished_at=now if is_done else None,
        is_uncertain=False,
    )
    if not written:
        logger.warning("operation %s was taken over: its receipt is not written", operation.pk)
        return
    operation.refresh_from_db()
    handler = handler_of(operation.kind)
    if is_done:
        handler.done(operation, receipt)
    else:
        handler.accepted(operation, receipt)


@transaction.atomic
def _postpone(
    operation: CarrierOperation,
    error: CarrierUnavailableError,
    now: datetime,
    *,
    is_uncertain: bool,
) -> None:
    if operation.attempts >= settings.CARRIER_MAX_ATTEMPTS:
        _fail(operation, error, now, is_uncertain=is_uncertain)
        return
    seconds = backoff_seconds(operation, error.retry_after_seconds)
    logger.info("operation %s: %s, again in %.1f s", operation.pk, error.code, seconds)
    _held(operation).update(due_at=now + timedelta(seconds=seconds), is_uncertain=is_uncertain)


def backoff_seconds(operation: CarrierOperation, retry_after_seconds: int | None = None) -> float:
    """How long to wait after the operation's latest attempt: the same for the same attempt."""
    doubled = settings.CARRIER_RETRY_SECONDS * 2 ** max(operation.attempts - 1, 0)
    # Operations that failed together don't come back together. A checksum: no two processes agree
    # on Python's own hash.
    seed = zlib.crc32(f"{operation.pk}:{operation.attempts}".encode()) / 2**32
    wanted = max(doubled * (0.75 + seed / 2), retry_after_seconds or 0)
    return float(min(wanted, settings.CARRIER_RETRY_MAX_SECONDS))


@transaction.atomic
def _fail(
    operation: CarrierOperation, error: PortalError, now: datetime, *, is_uncertain: bool
) -> None:
    written = _held(operation).update(
        state=State.FAILED, error_code=error.code, finished_at=now, is_uncertain=is_uncertain
    )
    if not written:
        logger.warning("operation %s was taken over: its failure is not written", operation.pk)
        return
    operation.refresh_from_db()
    if is_uncertain:
        logger.error("operation %s failed; %s may have done it", operation.pk, operation.carrier)
    else:
        logger.warning("operation %s failed: %s", operation.pk, error.code)
    handler_of(operation.kind).failed(operation, error)


@transaction.atomic
def apply_report(report: OperationReport) -> None:
    """An operation that was only accepted has ended as its carrier reports; another is left so."""
    operation = (
        CarrierOperation.objects.select_for_update()
        .filter(carrier=report.carrier, carrier_reference=report.reference, state=State.ACCEPTED)
        .first()
    )
    if operation is None:
        logger.info("%s reports an end that is known already", report.carrier)
        return
    operation.finished_at = timezone.now()
    handler = handler_of(operation.kind)
    if report.status == "done":
        operation.state = State.DONE
        operation.save(update_fields=["state", "finished_at"])
        handler.done(operation, Receipt(reference=report.reference, state="done"))
    else:
        error = CarrierRejectedError("The carrier took it and then could not do it.")
        operation.state, operation.error_code = State.FAILED, error.code
        operation.save(update_fields=["state", "error_code", "finished_at"])
        handler.failed(operation, error)


def _no_answer() -> CarrierUnavailableError:
    return CarrierUnavailableError(
        "The carrier did not answer. Ask support whether it was done before you try again."
    )
