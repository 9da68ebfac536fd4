"""What was done with a tenant's numbers after they came: the record that pages and undo read."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from cliqtel_portal.ids import uuid7
from cliqtel_portal.numbers.querysets import NumberChangeQuerySet


class NumberChange(models.Model):
    """One deed on one number. A trigger refuses every update and delete."""

    class Kind(models.TextChoices):
        ASSIGNED = "assigned", "Connected"
        GIVEN_UP = "given_up", "Given up"
        RESTORED = "restored", "Brought back"
        HANDED_BACK = "handed_back", "Handed back"
        TAGGED = "tagged", "Tags changed"
        EMERGENCY = "emergency", "Emergency address"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The migration holds that it is the number's.
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="number_changes"
    )
    number = models.ForeignKey(
        "numbers.PhoneNumber", on_delete=models.PROTECT, related_name="changes"
    )
    kind = models.CharField(max_length=12, choices=Kind)
    # Of a connection: {"kind", "id", "name"}, with the name as it was then; of tags: {"tags"}; of
    # an emergency address: {"state", "address": {"id", "label"}}. Else {"status"}.
    before = models.JSONField()
    after = models.JSONField()
    # A copy, empty where the clock did it: the record names people after they left.
    by_label = models.CharField(max_length=200, blank=True)
    approval_id = models.UUIDField(null=True, blank=True)
    # Whoever comes again with it gets this row.
    key = models.CharField(max_length=80)
    at = models.DateTimeField(default=timezone.now)

    objects = NumberChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="numbers_change_key_unique"),
            models.CheckConstraint(condition=~Q(key=""), name="numbers_change_key_present"),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "assigned",
                        "given_up",
                        "restored",
                        "handed_back",
                        "tagged",
                        "emergency",
                    ]
                ),
                name="numbers_change_kind_valid",
            ),
            models.CheckConstraint(condition=~Q(before=F("after")), name="numbers_change_changes"),
        ]
        indexes = [models.Index(fields=["number", "-at", "-id"], name="numbers_change_number")]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"
