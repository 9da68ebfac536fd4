"""Call flows and their history. What a graph means is in `graph.py`; here it is only stored."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from cliqtel_portal.callflows.querysets import (
    CallFlowQuerySet,
    ChangeQuerySet,
    RevisionQuerySet,
)
from cliqtel_portal.ids import uuid7


class CallFlow(models.Model):
    """What happens to a call. Calls follow `active_revision`; later revisions are unpublished."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        ARCHIVED = "archived", "Archived"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="call_flows"
    )
    name = models.CharField(max_length=80)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    # The migration holds that it is a revision of this very flow.
    active_revision = models.ForeignKey(
        "callflows.Revision",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="active_in",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CallFlowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], name="callflows_callflow_name_unique"
            ),
            # What callflows_change_same_tenant points at.
            models.UniqueConstraint(fields=["id", "tenant"], name="callflows_callflow_id_tenant"),
            models.CheckConstraint(
                condition=Q(status="draft", active_revision__isnull=True)
                | Q(status="active", active_revision__isnull=False)
                | Q(status="archived"),
                name="callflows_callflow_active_has_revision",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "status"], name="callflows_flow_tenant_status"),
        ]

    def __str__(self) -> str:
        return self.name


class Author(models.TextChoices):
    HUMAN = "human", "Person"
    AI_HOST = "ai_host", "AI host"


class Revision(models.Model):
    """One saved state of a flow. A trigger refuses every update and delete."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    call_flow = models.ForeignKey(CallFlow, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    graph = models.JSONField()
    # SHA-256 of the canonical graph: names the state that a change was drafted on.
    etag = models.CharField(max_length=64)
    note = models.CharField(max_length=200, blank=True)
    # Copies: the log still names the people after they left.
    author_label = models.CharField(max_length=120)
    author_kind = models.CharField(max_length=8, choices=Author, default=Author.HUMAN)
    # Who allowed it; empty where the author needed nobody.
    approved_by_label = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["call_flow", "number"], name="callflows_revision_number_unique"
            ),
            # What the foreign keys that hold "of the same flow" point at.
            models.UniqueConstraint(
                fields=["id", "call_flow"], name="callflows_revision_id_call_flow"
            ),
            models.CheckConstraint(
                condition=Q(number__gte=1), name="callflows_revision_number_positive"
            ),
            models.CheckConstraint(
                condition=Q(etag__regex=r"^[0-9a-f]{64}$"), name="callflows_revision_etag_sha256"
            ),
            models.CheckConstraint(
                condition=Q(author_kind__in=["human", "ai_host"]),
                name="callflows_revision_author_kind_valid",
            ),
        ]

    def __str__(self) -> str:
        return f"revision {self.number}"


class Change(models.Model):
    """A proposed state of a flow, on top of one revision, that waits for a person.

    An edit (`operations`) or the return to an earlier revision (`restores`). A trigger keeps what
    is proposed as it was shown, and a decided one as it was decided.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        PUBLISHED = "published", "Published"
        CANCELLED = "cancelled", "Cancelled"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="call_flow_changes"
    )
    call_flow = models.ForeignKey(CallFlow, on_delete=models.PROTECT, related_name="changes")
    base_revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="changes")
    operations = models.JSONField(default=list, blank=True)
    restores = models.ForeignKey(
        Revision, on_delete=models.PROTECT, null=True, blank=True, related_name="restored_by"
    )
    # What the flow becomes, and its SHA-256: the very state that is shown is the one published.
    graph = models.JSONField()
    etag = models.CharField(max_length=64)
    author_label = models.CharField(max_length=120)
    author_kind = models.CharField(max_length=8, choices=Author, default=Author.HUMAN)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    # Once published: the revision that calls follow since, and the one they followed before.
    revision = models.ForeignKey(
        Revision, on_delete=models.PROTECT, null=True, blank=True, related_name="published_by"
    )
    previous_revision = models.ForeignKey(
        Revision, on_delete=models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=["pending", "approved", "rejected", "published", "cancelled"]
                ),
                name="callflows_change_status_valid",
            ),
            models.CheckConstraint(
                condition=Q(updated_at__gte=F("created_at")), name="callflows_change_dated"
            ),
            models.CheckConstraint(
                condition=Q(etag__regex=r"^[0-9a-f]{64}$"), name="callflows_change_etag_sha256"
            ),
            models.CheckConstraint(
                condition=Q(author_kind__in=["human", "ai_host"]),
                name="callflows_change_author_kind_valid",
            ),
            models.CheckConstraint(
                condition=Q(restores__isnull=True) ^ Q(operations=[]),
                name="callflows_change_edits_or_restores",
            ),
            models.CheckConstraint(
                condition=Q(status="published", revision__isnull=False)
                | (
                    ~Q(status="published")
                    & Q(revision__isnull=True, previous_revision__isnull=True)
                ),
                name="callflows_change_published_has_revision",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "status"], name="callflows_change_tenant_state"),
            models.Index(
                fields=["call_flow", "-id"],
                condition=Q(status="pending"),
                name="callflows_change_pending",
            ),
        ]

    def __str__(self) -> str:
        return f"change {self.id}"
