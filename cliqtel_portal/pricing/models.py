"""The price list: what a number costs to set up, to keep and to use, by country and type."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.utils import timezone

from cliqtel_portal.ids import uuid7
from cliqtel_portal.money import Money
from cliqtel_portal.number_types import NumberType
from cliqtel_portal.pricing.querysets import PriceQuerySet


class TsTzRange(Func):
    """The period `[effective_at, valid_until)`; without an end it is open."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class Price(models.Model):
    """One line of the list. A new price is a new row; the old one gets its `valid_until`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    country = models.CharField(max_length=2)
    number_type = models.CharField(max_length=10, choices=NumberType)
    currency = models.CharField(max_length=3)
    setup = models.DecimalField(max_digits=12, decimal_places=6)
    monthly = models.DecimalField(max_digits=12, decimal_places=6)
    per_minute_in = models.DecimalField(max_digits=12, decimal_places=6)
    per_minute_out = models.DecimalField(max_digits=12, decimal_places=6)
    # Null: numbers of this kind carry no SMS in that direction.
    sms_in = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    sms_out = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    effective_at = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PriceQuerySet.as_manager()

    class Meta:
        constraints = [
            # At no moment two prices for the same thing, planned ones included.
            ExclusionConstraint(
                name="pricing_price_one_at_a_time",
                expressions=[
                    ("country", RangeOperators.EQUAL),
                    ("number_type", RangeOperators.EQUAL),
                    ("currency", RangeOperators.EQUAL),
                    (
                        TsTzRange("effective_at", "valid_until", RangeBoundary()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("effective_at")),
                name="pricing_price_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(
                    setup__gte=0, monthly__gte=0, per_minute_in__gte=0, per_minute_out__gte=0
                )
                & (Q(sms_in__isnull=True) | Q(sms_in__gte=0))
                & (Q(sms_out__isnull=True) | Q(sms_out__gte=0)),
                name="pricing_price_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(country__regex=r"^[A-Z]{2}$", currency__regex=r"^[A-Z]{3}$"),
                name="pricing_price_codes_valid",
            ),
            models.CheckConstraint(
                condition=Q(number_type__in=["local", "mobile", "national", "toll_free"]),
                name="pricing_price_type_valid",
            ),
        ]
        indexes = [
            models.Index(
                fields=["country", "number_type", "effective_at"], name="pricing_price_look_up"
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.country} {self.number_type} {self.currency} from {self.effective_at:%Y-%m-%d}"
        )

    def clean(self) -> None:
        """Told here: PostgreSQL has no such range, so the constraints can't be asked."""
        begins, ends = self.effective_at, self.valid_until
        if begins is not None and ends is not None and ends <= begins:
            raise ValidationError({"valid_until": "It ends before it begins."})

    @property
    def setup_money(self) -> Money:
        return Money(amount=self.setup, currency=self.currency)

    @property
    def monthly_money(self) -> Money:
        return Money(amount=self.monthly, currency=self.currency)
