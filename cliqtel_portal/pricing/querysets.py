from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, IntegerField, Q, Value, When

if TYPE_CHECKING:
    from cliqtel_portal.pricing.models import Price  # noqa: F401 - the queryset's row type


class PriceQuerySet(models.QuerySet["Price"]):
    def current(self, at: datetime) -> PriceQuerySet:
        """In force at that moment; the exclusion constraint leaves one for each key."""
        return self.filter(
            Q(valid_until__isnull=True) | Q(valid_until__gt=at), effective_at__lte=at
        )

    def preferring(self, currency: str, fallback: str) -> PriceQuerySet:
        """One row for each (country, type): in `currency` where there is one, else `fallback`."""
        rank = Case(
            When(currency=currency, then=Value(0)), default=Value(1), output_field=IntegerField()
        )
        return (
            self.filter(currency__in={currency, fallback})
            .order_by("country", "number_type", rank)
            .distinct("country", "number_type")
        )
