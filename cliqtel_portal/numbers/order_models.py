"""Orders of numbers from the stock. Triggers hold the table of states, and what is frozen."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from cliqtel_portal.ids import uuid7
from cliqtel_portal.money import Money
from cliqtel_portal.numbers.querysets import NumberOrderQuerySet, OrderLineQuerySet


class NumberOrder(models.Model):
    """Numbers that a tenant buys together: drafted until a person decides, then placed once."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PLACED = "placed", "Placed"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="number_orders"
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="number_orders"
    )
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    # Where the numbers lead once they are there: a trunk of the same tenant.
    trunk = models.ForeignKey(
        "trunks.Trunk", on_delete=models.PROTECT, null=True, blank=True, related_name="orders"
    )
    currency = models.CharField(max_length=3)
    # Until then a draft keeps its numbers from others.
    hold_until = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    placed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # Why it failed; the message is ours, never the carrier's.
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.CharField(max_length=300, blank=True)

    objects = NumberOrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="numbers_order_currency_valid"
            ),
            models.CheckConstraint(
                condition=Q(hold_until__gt=F("created_at")), name="numbers_order_holds_after_made"
            ),
            models.CheckConstraint(
                condition=Q(
                    state="draft",
                    placed_at__isnull=True,
                    finished_at__isnull=True,
                    error_code="",
                    error_message="",
                )
                | Q(
                    state="placed",
                    placed_at__isnull=False,
                    finished_at__isnull=True,
                    error_code="",
                    error_message="",
                )
                | Q(
                    state="completed",
                    placed_at__isnull=False,
                    finished_at__isnull=False,
                    error_code="",
                    error_message="",
                )
                | (
                    Q(state="failed", placed_at__isnull=False, finished_at__isnull=False)
                    & ~Q(error_code="")
                    & ~Q(error_message="")
                )
                | Q(
                    state="withdrawn",
                    placed_at__isnull=True,
                    finished_at__isnull=False,
                    error_code="",
                    error_message="",
                ),
                name="numbers_order_state_complete",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="numbers_order_list"),
            models.Index(
                fields=["hold_until"], condition=Q(state="draft"), name="numbers_order_lapse"
            ),
        ]

    def __str__(self) -> str:
        return f"order {self.pk}"


class OrderLine(models.Model):
    """One number of an order, at the price of the last quote; frozen once the order is placed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(NumberOrder, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    stock_number = models.ForeignKey(
        "numbers.StockNumber", on_delete=models.PROTECT, related_name="order_lines"
    )
    e164 = models.CharField("number", max_length=16)
    setup_price = models.DecimalField(max_digits=12, decimal_places=6)
    monthly_price = models.DecimalField(max_digits=12, decimal_places=6)
    # The tenant's number that came of it.
    phone_number = models.OneToOneField(
        "numbers.PhoneNumber",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="order_line",
    )

    objects = OrderLineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "position"], name="numbers_order_line_position"
            ),
            models.UniqueConstraint(
                fields=["order", "stock_number"], name="numbers_order_line_number_once"
            ),
            models.CheckConstraint(
                condition=Q(setup_price__gte=0, monthly_price__gte=0),
                name="numbers_order_line_price_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.e164

    def setup_money(self, currency: str) -> Money:
        return Money(amount=self.setup_price, currency=currency)

    def monthly_money(self, currency: str) -> Money:
        return Money(amount=self.monthly_price, currency=currency)
