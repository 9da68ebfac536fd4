"""The outbox: what we owe a carrier, written in the transaction that decided it.

No network call happens inside a transaction; a task takes the row, calls the carrier with the
row's key, and a second run with the same key does no harm.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from cliqtel_portal.carriers.querysets import CarrierOperationQuerySet
from cliqtel_portal.carriers.sandbox_models import SandboxFault, SandboxNumber, SandboxRequest
from cliqtel_portal.ids import uuid7

__all__ = [
    "CarrierOperation",
    "SandboxFault",
    "SandboxNumber",
    "SandboxRequest",
    "WebhookReceipt",
]


class CarrierOperation(models.Model):
    """One request to a carrier, from intention to outcome."""

    class Kind(models.TextChoices):
        ORDER_NUMBERS = "order_numbers", "Order numbers"
        RELEASE_NUMBER = "release_number", "Release a number"
        SEND_MESSAGE = "send_message", "Send a message"

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        ACCEPTED = "accepted", "Accepted by the carrier"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="carrier_operations"
    )
    carrier = models.SlugField(max_length=40, db_index=False)
    kind = models.CharField(max_length=20, choices=Kind)
    idempotency_key = models.CharField(max_length=80)
    # Ids of our own rows, never a message's text.
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    # Claims so far. The number is the fence: only the newest claim may write.
    attempts = models.PositiveSmallIntegerField(default=0)
    # When to try (again): what the beat task that finds lost rows looks at.
    due_at = models.DateTimeField(default=timezone.now)
    carrier_reference = models.CharField(max_length=120, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    # An attempt got no answer, or goes on: the carrier may have done it. Failed: staff ask it.
    is_uncertain = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = CarrierOperationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "idempotency_key"], name="carriers_operation_key_unique"
            ),
            models.CheckConstraint(
                condition=~Q(idempotency_key=""), name="carriers_operation_key_present"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["order_numbers", "release_number", "send_message"]),
                name="carriers_operation_kind_valid",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", finished_at__isnull=True)
                | (Q(state="accepted", finished_at__isnull=True) & ~Q(carrier_reference=""))
                | Q(state="done", finished_at__isnull=False, error_code="")
                | (Q(state="failed", finished_at__isnull=False) & ~Q(error_code="")),
                name="carriers_operation_state_complete",
            ),
            models.CheckConstraint(
                condition=Q(is_uncertain=False) | Q(state__in=["pending", "failed"]),
                name="carriers_operation_answer_is_certain",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state="pending"), name="carriers_operation_due"
            ),
            models.Index(
                fields=["carrier", "carrier_reference"],
                condition=~Q(carrier_reference=""),
                name="carriers_operation_reference",
            ),
            models.Index(fields=["tenant", "-created_at"], name="carriers_operation_tenant"),
            # For /metrics: what is done is not counted, and would be nearly all.
            models.Index(
                fields=["state", "created_at"],
                condition=~Q(state="done"),
                name="carriers_operation_undone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.idempotency_key}"


class WebhookReceipt(models.Model):
    """A carrier's event that was heard: the same one again changes nothing."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    carrier = models.SlugField(max_length=40, db_index=False)
    event_id = models.CharField(max_length=200)
    received_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "event_id"], name="carriers_webhookreceipt_event_unique"
            ),
            models.CheckConstraint(
                condition=~Q(event_id=""), name="carriers_webhookreceipt_event_present"
            ),
        ]
        indexes = [models.Index(fields=["received_at"], name="carriers_webhookreceipt_age")]

    def __str__(self) -> str:
        return self.event_id
