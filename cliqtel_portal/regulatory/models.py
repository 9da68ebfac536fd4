"""What a country asks of who wants a number, and what a tenant has shown of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from cliqtel_portal.ids import uuid7
from cliqtel_portal.number_types import NumberType
from cliqtel_portal.regulatory.querysets import DocumentQuerySet


class RequirementSet(models.Model):
    """The rules for one country, type and action. A set without requirements asks for nothing."""

    class Action(models.TextChoices):
        ORDER = "order", "Order"
        PORT = "port", "Port in"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    country = models.CharField(max_length=2)
    number_type = models.CharField(max_length=10, choices=NumberType)
    action = models.CharField(max_length=5, choices=Action)
    who_may_own = models.CharField(max_length=300)
    lead_time_days = models.PositiveSmallIntegerField(help_text="Working days.")
    source_url = models.URLField(blank=True, help_text="The regulator's page of the rule.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["country", "number_type", "action"], name="regulatory_set_unique"
            ),
            models.CheckConstraint(
                condition=Q(country__regex=r"^[A-Z]{2}$"), name="regulatory_set_country_valid"
            ),
            models.CheckConstraint(
                condition=Q(number_type__in=["local", "mobile", "national", "toll_free"]),
                name="regulatory_set_type_valid",
            ),
            models.CheckConstraint(
                condition=Q(action__in=["order", "port"]), name="regulatory_set_action_valid"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country} {self.number_type} {self.action}"


class Requirement(models.Model):
    """One thing to show. `code` is what a tenant's documents answer to, in whatever country."""

    class Kind(models.TextChoices):
        DOCUMENT = "document", "Document"
        ADDRESS = "address", "Address"
        TEXT = "text", "Text"
        ACTION = "action", "Action"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    requirement_set = models.ForeignKey(
        RequirementSet, on_delete=models.CASCADE, related_name="requirements"
    )
    position = models.PositiveSmallIntegerField()
    code = models.SlugField(max_length=40, db_index=False)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8, choices=Kind)
    description = models.TextField(max_length=600)
    example = models.CharField(max_length=300)
    # Sentences, each a test that a reviewer applies.
    acceptance_rules = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["requirement_set", "position"], name="regulatory_requirement_position"
            ),
            models.UniqueConstraint(
                fields=["requirement_set", "code"], name="regulatory_requirement_code"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["document", "address", "text", "action"]),
                name="regulatory_requirement_kind_valid",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Document(models.Model):
    """What a tenant has handed in for one requirement: a file, an address, a text or a deed."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PENDING = "pending", "In review"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        EXPIRED = "expired", "Expired"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="documents"
    )
    requirement_code = models.SlugField(max_length=40, db_index=False)
    kind = models.CharField(max_length=8, choices=Requirement.Kind)
    name = models.CharField(max_length=120)
    # Null: good in every country (a passport, a register extract).
    country = models.CharField(max_length=2, null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    # Only for rejected ones: what the reviewer asks for.
    rejection_reason = models.CharField(max_length=300, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["draft", "pending", "approved", "rejected", "expired"]),
                name="regulatory_document_status_valid",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["document", "address", "text", "action"]),
                name="regulatory_document_kind_valid",
            ),
            models.CheckConstraint(
                condition=Q(country__isnull=True) | Q(country__regex=r"^[A-Z]{2}$"),
                name="regulatory_document_country_valid",
            ),
            models.CheckConstraint(
                condition=Q(rejection_reason="") | Q(status="rejected"),
                name="regulatory_document_reason_only_rejected",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "requirement_code", "country"], name="regulatory_document_look_up"
            ),
            models.Index(fields=["tenant", "status"], name="regulatory_document_status"),
        ]

    def __str__(self) -> str:
        return self.name
