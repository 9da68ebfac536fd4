"""Who took what out of the log, and the files that workers write of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from audit.querysets import ExportQuerySet
from cliqtel_portal.ids import uuid7


class Export(models.Model):
    """One export of the log: that it was made, by whom and of what, and how far its file is.

    Labels are copied and nothing is a foreign key, as in the log itself. SQL triggers hold that
    nothing is deleted, and that nothing but the progress changes.
    """

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        NDJSON = "ndjson", "NDJSON"
        XLSX = "xlsx", "XLSX (Excel)"

    class State(models.TextChoices):
        SENT = "sent", "Sent"  # at once, as a stream
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Being written"
        DONE = "done", "Ready"
        FAILED = "failed", "Failed"
        EXPIRED = "expired", "Deleted"  # the file; it had its time

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Null: the command on the server.
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField("by", max_length=254)
    # Null: staff, of all tenants.
    tenant_id = models.UUIDField(null=True)
    tenant_label = models.CharField("tenant", max_length=120, blank=True)
    criteria = models.JSONField("filter", help_text="What audit.criteria makes of a filter.")
    # Rows that came after the question are not in the answer, however late it is written.
    before = models.UUIDField(help_text="Calls with a smaller id only.")
    format = models.CharField(max_length=6, choices=Format)
    state = models.CharField(max_length=7, choices=State)
    rows = models.PositiveBigIntegerField(default=0, help_text="Written so far.")
    expected_rows = models.PositiveBigIntegerField(default=0, help_text="As the planner guessed.")
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    size_bytes = models.PositiveBigIntegerField(null=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["tenant_id", "-id"], name="audit_export_tenant"),
            models.Index(fields=["actor_id", "-id"], name="audit_export_actor"),
            models.Index(
                fields=["id"],
                condition=Q(state__in=["waiting", "running"]),
                name="audit_export_open",
            ),
            models.Index(
                fields=["expires_at"], condition=Q(state="done"), name="audit_export_expiring"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["sent", "waiting", "running", "done", "failed", "expired"]),
                name="audit_export_state_valid",
            ),
            models.CheckConstraint(
                condition=Q(format__in=["csv", "ndjson", "xlsx"]), name="audit_export_format_valid"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["done", "expired"])
                | Q(expires_at__isnull=False, finished_at__isnull=False, size_bytes__isnull=False),
                name="audit_export_file_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_format_display()} by {self.actor_label}"

    @property
    def is_open(self) -> bool:
        return self.state in {self.State.WAITING, self.State.RUNNING}

    @property
    def percent(self) -> int:
        """Of the rows expected; a guess, so never 100 before it is done."""
        if self.state in {self.State.DONE, self.State.EXPIRED}:
            return 100
        return min(99, self.rows * 100 // self.expected_rows) if self.expected_rows else 0
