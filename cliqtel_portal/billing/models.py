"""Money that moved. Nothing is corrected in place: a mistake gets an entry of its own."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from cliqtel_portal.billing.querysets import LedgerEntryQuerySet, UsageStatementQuerySet
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


class UsageStatement(models.Model):
    """What a tenant's calls of a calendar month (UTC) came to, closed once the month is over.

    A trigger refuses every update and delete.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="usage_statements"
    )
    month = models.DateField(help_text="Its first day.")
    tier = models.CharField(max_length=12, help_text="The tenant's when it was closed.")
    calls = models.PositiveBigIntegerField()
    # Null: the tier had no limit.
    included = models.PositiveBigIntegerField(null=True)
    overage_calls = models.PositiveBigIntegerField(default=0)
    unit_price = models.DecimalField(max_digits=10, decimal_places=6)
    amount = models.DecimalField(max_digits=14, decimal_places=6)
    currency = models.CharField(max_length=3)
    closed_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = UsageStatementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "month"], name="billing_statement_month"),
            models.CheckConstraint(
                condition=Q(month__day=1), name="billing_statement_month_is_first_day"
            ),
            models.CheckConstraint(
                condition=Q(overage_calls=0) | Q(overage_calls=F("calls") - F("included")),
                name="billing_statement_overage_valid",
            ),
            models.CheckConstraint(
                condition=Q(amount=F("overage_calls") * F("unit_price")),
                name="billing_statement_amount_exact",
            ),
            models.CheckConstraint(
                condition=Q(unit_price__gte=0), name="billing_statement_price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="billing_statement_currency_valid"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.money}"

    @property
    def money(self) -> Money:
        return Money(amount=self.amount, currency=self.currency)

    @property
    def price(self) -> Money:
        """Of each call beyond the included ones."""
        return Money(amount=self.unit_price, currency=self.currency)


class UsageWarning(models.Model):
    """That a tenant was told of a share of its month's calls: once for each share."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    month = models.DateField(help_text="Its first day.")
    percent = models.PositiveSmallIntegerField()
    warned_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "month", "percent"], name="billing_warning_once"
            ),
            models.CheckConstraint(
                condition=Q(percent__in=[80, 100]), name="billing_warning_percent_valid"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.percent} %"
