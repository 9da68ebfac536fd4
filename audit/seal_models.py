"""The chain of seals over the log. Written by `audit.seals` only, and never changed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from cliqtel_portal.ids import uuid7


class Seal(models.Model):
    """One link: which rows there were in a range of ids, with which macs, after which other seal.

    A `range` seal moves the chain's end forward. A `late` one names rows that came, or closed,
    after their range had been sealed. Members are kept one by one, so that `verify_audit` can name
    the very row that is missing.
    """

    class Kind(models.TextChoices):
        RANGE = "range", "Range"
        LATE = "late", "Late"

    number = models.PositiveBigIntegerField(primary_key=True, editable=False)
    kind = models.CharField(max_length=5, choices=Kind)
    low = models.UUIDField(help_text="Lower bound of the ids, itself within.")
    high = models.UUIDField(help_text="Upper bound of the ids, itself not within.")
    count = models.PositiveIntegerField("rows")
    members = models.BinaryField(
        help_text="24 bytes for each row in the order of ids: its id and a short digest of its mac."
    )
    content = models.CharField(max_length=64, help_text="SHA-256 over the rows' ids and macs.")
    previous = models.CharField(max_length=64, help_text="Digest of the seal before.")
    digest = models.CharField(max_length=64, help_text="SHA-256 over all of the above.")
    sealed_at = models.DateTimeField()
    mac_key_id = models.CharField(max_length=20)
    mac = models.CharField(max_length=64, help_text="HMAC-SHA256 of the digest.")

    class Meta:
        ordering = ["-number"]
        indexes = [models.Index(fields=["kind", "high"], name="audit_seal_kind_high")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["range", "late"]), name="audit_seal_kind_valid"
            ),
            models.CheckConstraint(
                condition=Q(low__lt=F("high")), name="audit_seal_range_not_empty"
            ),
            models.CheckConstraint(condition=Q(count__gt=0), name="audit_seal_has_rows"),
            # Two sealers at once can't fork the chain.
            models.UniqueConstraint(fields=["previous"], name="audit_seal_one_successor"),
            models.UniqueConstraint(fields=["digest"], name="audit_seal_digest_once"),
        ]

    def __str__(self) -> str:
        return f"seal {self.number}"


class ChainCheck(models.Model):
    """What a verification of the log found. For people to see; the proof is to run it again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    checked_at = models.DateTimeField()
    rows = models.PositiveBigIntegerField(default=0)
    first_seal = models.PositiveBigIntegerField(null=True)
    last_seal = models.PositiveBigIntegerField(null=True)
    sealed_up_to = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True, help_text="Empty: all in order.")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.problem or f"chain ok, {self.rows} rows"
