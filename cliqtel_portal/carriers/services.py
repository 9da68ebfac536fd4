"""The outbox's doors: write an operation beside the rows it is about; then have it done."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.carriers import tasks
from cliqtel_portal.carriers.errors import OperationConflict
from cliqtel_portal.carriers.execution import perform
from cliqtel_portal.carriers.models import CarrierOperation

__all__ = ["enqueue", "enqueue_all", "perform", "try_again_now"]


@transaction.atomic
def enqueue(
    tenant: Tenant, *, kind: str, idempotency_key: str, payload: Mapping[str, Any]
) -> CarrierOperation:
    """The default carrier is asked once the caller's transaction has committed; return the row.

    `payload` holds ids of the rows that the kind's handler makes the request from. The same key
    again returns the first row.

    Raises:
        OperationConflict: the key was used for something else.
    """
    (operation,) = enqueue_all(tenant, kind=kind, payloads={idempotency_key: payload})
    return operation


@transaction.atomic
def enqueue_all(
    tenant: Tenant, *, kind: str, payloads: Mapping[str, Mapping[str, Any]]
) -> list[CarrierOperation]:
    """As `enqueue`, for many keys in as few queries; return the rows in their order.

    Raises:
        OperationConflict: a key was used for something else; none is written.
    """
    # Of any carrier: who changes the default must not have old orders placed once more.
    of_keys = CarrierOperation.objects.filter(
        carrier__in=list(settings.CARRIERS), idempotency_key__in=list(payloads)
    )
    earlier = set(of_keys.values_list("idempotency_key", flat=True))
    CarrierOperation.objects.bulk_create(
        [
            CarrierOperation(
                tenant=tenant,
                carrier=settings.CARRIER_DEFAULT,
                kind=kind,
                idempotency_key=key,
                payload=dict(payload),
            )
            for key, payload in payloads.items()
            if key not in earlier
        ],
        ignore_conflicts=True,
    )
    found = {operation.idempotency_key: operation for operation in of_keys}
    operations = [found[key] for key in payloads]
    for operation in operations:
        wanted = dict(payloads[operation.idempotency_key])
        if (operation.tenant_id, operation.kind, operation.payload) != (tenant.pk, kind, wanted):
            raise OperationConflict(
                "That key was used for another operation. Use a key of its own."
            )
    for operation in operations:
        if operation.state == CarrierOperation.State.PENDING:
            _perform_after_commit(str(operation.pk))
    return operations


@transaction.atomic
def try_again_now(operation_ids: Sequence[uuid.UUID], *, now: datetime | None = None) -> int:
    """Those that are pending are tried at once instead of when they are due; return how many.

    Attempts count on. One that a worker has in hand stays with it.
    """
    pending = CarrierOperation.objects.filter(
        pk__in=operation_ids, state=CarrierOperation.State.PENDING
    )
    hurried = list(pending.select_for_update().order_by("id").values_list("pk", flat=True))
    CarrierOperation.objects.filter(pk__in=hurried).update(due_at=now or timezone.now())
    for operation_id in hurried:
        _perform_after_commit(str(operation_id))
    return len(hurried)


def _perform_after_commit(operation_id: str) -> None:
    def send() -> None:
        tasks.perform.delay(operation_id)

    # Robust: a broker that is away must not fail the request; the scan finds the row.
    transaction.on_commit(send, robust=True)
