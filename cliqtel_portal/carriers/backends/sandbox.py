"""The carrier of development and tests: answers at once, charges nothing, fails as it is told.

Deterministic: the same request under the same key has the same reference everywhere. A message to
a number that ends in 0000 is not delivered. Faults are rows (`SandboxFault`), so that any process
can wait for any other's.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Literal

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from cliqtel_portal.carriers import tasks
from cliqtel_portal.carriers.base import CarrierBackend
from cliqtel_portal.carriers.errors import CarrierRejectedError, CarrierUnavailableError
from cliqtel_portal.carriers.sandbox_models import SandboxFault, SandboxNumber, SandboxRequest
from cliqtel_portal.carriers.types import NumberOrder, NumberRelease, OutboundMessage, Receipt

logger = logging.getLogger(__name__)

UNDELIVERABLE_SUFFIX = "0000"
DELIVERY_SECONDS = 1

_Request = NumberOrder | NumberRelease | OutboundMessage
_Fault = SandboxFault.Fault
_State = SandboxRequest.State


@dataclass(frozen=True, kw_only=True)
class SandboxCarrier(CarrierBackend):
    """`carrier` is the slug that it is configured under: two sandboxes are two worlds."""

    carrier: str = "sandbox"

    def order_numbers(self, order: NumberOrder, *, idempotency_key: str) -> Receipt:
        return self._answer("order_numbers", order, order.numbers, idempotency_key)

    def release_number(self, release: NumberRelease, *, idempotency_key: str) -> Receipt:
        return self._answer("release_number", release, (release.number,), idempotency_key)

    def send_message(self, message: OutboundMessage, *, idempotency_key: str) -> Receipt:
        numbers = (message.to_number, message.from_number)
        return self._answer("send_message", message, numbers, idempotency_key)

    def _answer(self, kind: str, request: _Request, numbers: tuple[str, ...], key: str) -> Receipt:
        fault = _next_fault(kind, numbers)
        name = fault.fault if fault else ""
        seconds = fault.seconds if fault else 0
        if name in {_Fault.LATENCY, _Fault.TIMEOUT_BEFORE, _Fault.TIMEOUT_AFTER}:
            time.sleep(seconds)
        match name:
            case _Fault.TIMEOUT_BEFORE:
                raise CarrierUnavailableError("The carrier did not answer in time.")
            case _Fault.UNAVAILABLE:
                raise CarrierUnavailableError(
                    "The carrier is down for maintenance.", nothing_done=True
                )
            case _Fault.RATE_LIMIT:
                raise CarrierUnavailableError(
                    "The carrier takes no more requests at the moment.",
                    nothing_done=True,
                    retry_after_seconds=seconds,
                )
        done = self._do(kind, request, numbers, key, fault)
        if name == _Fault.TIMEOUT_AFTER:
            raise CarrierUnavailableError("The carrier did not answer in time.")
        return _receipt(done)

    def _do(
        self,
        kind: str,
        request: _Request,
        numbers: tuple[str, ...],
        key: str,
        fault: SandboxFault | None,
    ) -> SandboxRequest:
        """The deed is done, under this key once: the row it left, first or now.

        One transaction of the sandbox: a caller that dies in it has asked for nothing.
        """
        digest = _digest(kind, request)
        row = SandboxRequest(
            carrier=self.carrier,
            idempotency_key=key,
            kind=kind,
            request_digest=digest,
            reference=_reference(self.carrier, key),
            state=_State.DONE,
        )
        if fault and fault.fault == _Fault.REJECT:
            row.state = _State.REJECTED
        elif fault and fault.fault == _Fault.SLOW_PROVISIONING:
            row.state = _State.ACCEPTED
            row.report_event = "operation.completed"
            row.report_due_at = timezone.now() + timedelta(seconds=fault.seconds)
        elif isinstance(request, OutboundMessage):
            undeliverable = request.to_number.endswith(UNDELIVERABLE_SUFFIX)
            row.report_event = "message.undelivered" if undeliverable else "message.delivered"
            row.report_due_at = timezone.now() + timedelta(seconds=DELIVERY_SECONDS)
        with transaction.atomic(durable=True):
            if not self._remember(row):
                first = SandboxRequest.objects.get(carrier=self.carrier, idempotency_key=key)
                if first.request_digest != digest:
                    raise CarrierRejectedError(
                        "The carrier has another request under that key. Use a key of its own."
                    )
                return first
            if row.state != _State.REJECTED:
                self._move_numbers(row, request)
            if row.report_due_at is not None:
                _report_later(row)
        return row

    def _remember(self, row: SandboxRequest) -> bool:
        """False: there is a row of that key. Another's insert in progress is waited for."""
        SandboxRequest.objects.bulk_create([row], ignore_conflicts=True)
        return SandboxRequest.objects.filter(pk=row.pk).exists()

    def _move_numbers(self, row: SandboxRequest, request: _Request) -> None:
        match request:
            case NumberRelease():
                SandboxNumber.objects.filter(number=request.number, carrier=self.carrier).delete()
            case NumberOrder():
                # In one order everywhere: who waits for a number holds none that others wait for.
                SandboxNumber.objects.bulk_create(
                    [
                        SandboxNumber(number=number, carrier=self.carrier, request=row)
                        for number in sorted(request.numbers)
                    ],
                    ignore_conflicts=True,
                )
                ours = SandboxNumber.objects.filter(request=row)
                if ours.count() < len(request.numbers):
                    ours.delete()
                    row.state, row.report_event, row.report_due_at = _State.REJECTED, "", None
                    row.save(update_fields=["state", "report_event", "report_due_at"])


def _next_fault(kind: str, numbers: tuple[str, ...]) -> SandboxFault | None:
    """The oldest fault that fits, used up by one; no two requests use the same time of it."""
    fitting = SandboxFault.objects.filter(
        times_left__gt=0, kind__in=["", kind], number__in=["", *numbers]
    ).order_by("created_at", "id")
    for fault in fitting:
        taken = SandboxFault.objects.filter(pk=fault.pk, times_left__gt=0)
        if taken.update(times_left=F("times_left") - 1):
            logger.info("the sandbox was told: %s", fault.fault)
            return fault
    return None


def _report_later(row: SandboxRequest) -> None:
    request_id, due_at = str(row.pk), row.report_due_at

    def send() -> None:
        tasks.send_sandbox_report.apply_async([request_id], eta=due_at)

    # Robust: it is not the request's matter whether a broker is there; the scan finds the row.
    transaction.on_commit(send, robust=True)


def _receipt(row: SandboxRequest) -> Receipt:
    if row.state == _State.REJECTED:
        raise CarrierRejectedError("The carrier refused the request.")
    state: Literal["accepted", "done"] = "accepted" if row.state == _State.ACCEPTED else "done"
    return Receipt(reference=row.reference, state=state)


def _reference(carrier: str, key: str) -> str:
    return "sbx-" + hashlib.sha256(f"{carrier}:{key}".encode()).hexdigest()[:32]


def _digest(kind: str, request: _Request) -> str:
    words = json.dumps([kind, asdict(request)], sort_keys=True)
    return salted_hmac("cliqtel.carriers.sandbox", words, algorithm="sha256").hexdigest()
