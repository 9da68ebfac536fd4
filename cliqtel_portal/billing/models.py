"""Money that moved. Nothing is corrected in place: a mistake gets an entry of its own."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from cliqtel_portal.billing.querysets import LedgerEntryQuerySet
from cliqtel_portal.ids import uuid7
from cliqtel_portal.money import Money


class LedgerEntry(models.Model):
    """One movement on a tenant's account. A trigger refuses every update and delete."""

    class Kind(models.TextChoices):
        TOP_UP = "top_up", "Top-up"
        NUMBER_SETUP = "number_setup", "Number, set-up"
        NUMBER_MONTHLY = "number_monthly", "Number, monthly"
        CALLS = "calls", "Calls"
        MESSAGES = "messages", "Messages"
        AI_OVERAGE = "ai_overage", "AI Access over the month's calls"
        ADJUSTMENT = "adjustment", "Adjustment"
        REFUND = "refund", "Refund"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="ledger_entries"
    )
    kind = models.CharField(max_length=16, choices=Kind)
    # What it is for, unique within the kind: booking it twice is refused.
    reference = models.CharField(max_length=120)
    # Positive: the tenant has more. Negative: the tenant pays.
    amount = models.DecimalField(max_digits=14, decimal_places=6)
    currency = models.CharField(max_length=3)
    description = models.CharField(max_length=200)
    occurred_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = LedgerEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "reference"], name="billing_entry_reference_unique"
            ),
            models.CheckConstraint(condition=~Q(amount=0), name="billing_entry_amount_not_zero"),
            models.CheckConstraint(condition=~Q(reference=""), name="billing_entry_reference_set"),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="billing_entry_currency_valid"
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "top_up",
                        "number_setup",
                        "number_monthly",
                        "calls",
                        "messages",
                        "ai_overage",
                        "adjustment",
                        "refund",
                    ]
                ),
                name="billing_entry_kind_valid",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-occurred_at", "-id"], name="billing_entry_statement"),
            # The balance is read from the index alone.
            models.Index(
                fields=["tenant", "currency"], include=["amount"], name="billing_entry_balance"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.money} {self.description}"

    @property
    def money(self) -> Money:
        return Money(amount=self.amount, currency=self.currency)
