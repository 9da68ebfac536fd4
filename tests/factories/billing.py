"""Money that moved."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import factory

from cliqtel_portal.billing.models import LedgerEntry, UsageStatement, UsageWarning
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


class UsageStatementFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = UsageStatement

    tenant = factory.SubFactory(TenantFactory)
    month = date(2026, 10, 1)
    tier = "automate"
    calls = 123_457
    included = 100_000
    overage_calls = 23_457
    unit_price = Decimal("0.0005")
    amount = Decimal("11.7285")
    currency = "EUR"


class UsageWarningFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = UsageWarning

    tenant = factory.SubFactory(TenantFactory)
    month = date(2026, 10, 1)
    percent = 80
