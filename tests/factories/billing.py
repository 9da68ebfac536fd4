"""Money that moved."""

from __future__ import annotations

from decimal import Decimal

import factory

from cliqtel_portal.billing.models import LedgerEntry
from tests.factories.accounts import TenantFactory


class LedgerEntryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = LedgerEntry

    tenant = factory.SubFactory(TenantFactory)
    kind = "top_up"
    reference = factory.Sequence(lambda n: f"reference-{n}")
    amount = Decimal("10.00")
    currency = "EUR"
    description = "Top-up"
