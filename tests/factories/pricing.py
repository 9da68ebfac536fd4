"""Price list."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import factory

from cliqtel_portal.pricing.models import Price


class PriceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Price

    country = "NL"
    number_type = "local"
    currency = "EUR"
    setup = Decimal("1.50")
    monthly = Decimal("2.00")
    per_minute_in = Decimal("0.0035")
    per_minute_out = Decimal("0.009")
    effective_at = datetime(2026, 1, 1, tzinfo=UTC)
