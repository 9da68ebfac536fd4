"""The sandbox carrier's own world: what it has done, and how it is told to fail.

Its rows stand for another company's database. Only the sandbox writes them, in transactions of its
own, and nothing of ours has a key to them.
"""

from __future__ import annotations

from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from cliqtel_portal.ids import uuid7

_E164 = r"^\+[1-9][0-9]{6,14}$"
_KINDS = [
    ("order_numbers", "Order numbers"),
    ("release_number", "Release a number"),
    ("send_message", "Send a message"),
]


class SandboxRequest(models.Model):
    """One request that the sandbox has answered: the proof that a deed was done once."""

    class State(models.TextChoices):
        ACCEPTED = "accepted", "Accepted, to be reported"
        DONE = "done", "Done"
        REJECTED = "rejected", "Refused"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    carrier = models.SlugField(max_length=40, db_index=False)
    idempotency_key = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, choices=_KINDS)
    # Keyed digest of the request: a message's text can't be guessed from it.
    request_digest = models.CharField(max_length=64)
    reference = models.CharField(max_length=60, unique=True)
    state = models.CharField(max_length=10, choices=State)
    # What a webhook will say of it and when; empty: nothing (more).
    report_event = models.CharField(max_length=40, blank=True)
    report_due_at = models.DateTimeField(null=True, blank=True)
    report_attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "idempotency_key"], name="carriers_sandboxrequest_key_unique"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["accepted", "done", "rejected"]),
                name="carriers_sandboxrequest_state_valid",
            ),
            models.CheckConstraint(
                condition=Q(report_due_at__isnull=True) | ~Q(report_event=""),
                name="carriers_sandboxrequest_report_complete",
            ),
        ]
        indexes = [
            models.Index(
                fields=["report_due_at"],
                condition=Q(report_due_at__isnull=False),
                name="carriers_sandboxrequest_report",
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class SandboxNumber(models.Model):
    """A number that the sandbox has given out. It gives none out twice."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    carrier = models.SlugField(max_length=40, db_index=False)
    number = models.CharField(max_length=16)
    request = models.ForeignKey(SandboxRequest, on_delete=models.PROTECT, related_name="numbers")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "number"], name="carriers_sandboxnumber_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.number


class SandboxFault(models.Model):
    """A failure that waits for a request that fits; used up `times_left` times."""

    class Fault(models.TextChoices):
        LATENCY = "latency", "Slow answer"
        TIMEOUT_BEFORE = "timeout_before", "No answer, nothing done"
        TIMEOUT_AFTER = "timeout_after", "No answer, but done"
        REJECT = "reject", "Refused"
        RATE_LIMIT = "rate_limit", "Too many requests"
        UNAVAILABLE = "unavailable", "Down for maintenance"
        SLOW_PROVISIONING = "slow_provisioning", "Accepted, done later"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    fault = models.CharField(max_length=20, choices=Fault)
    kind = models.CharField(
        max_length=20, choices=_KINDS, blank=True, help_text="Empty: every kind of request."
    )
    number = models.CharField(
        max_length=16,
        blank=True,
        validators=[RegexValidator(_E164, "Write it in E.164: +31201234567.")],
        help_text="In E.164, a number of the request, sender or receiver. Empty: any.",
    )
    seconds = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(3600)],
        help_text="Before the answer; for too many requests: the wait that it asks for;"
        " for done later: until it is reported.",
    )
    times_left = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    fault__in=[
                        "latency",
                        "timeout_before",
                        "timeout_after",
                        "reject",
                        "rate_limit",
                        "unavailable",
                        "slow_provisioning",
                    ]
                ),
                name="carriers_sandboxfault_fault_valid",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["", "order_numbers", "release_number", "send_message"]),
                name="carriers_sandboxfault_kind_valid",
            ),
            models.CheckConstraint(
                condition=Q(number="") | Q(number__regex=_E164),
                name="carriers_sandboxfault_number_e164",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(times_left__gt=0), name="carriers_sandboxfault_live"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_fault_display()}, {self.times_left} left"
