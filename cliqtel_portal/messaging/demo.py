"""acme may send a few messages a day by itself; the others must ask (contract.md, Demo data)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.messaging.models import MessagingLimit


def seed(tenants: Mapping[str, Tenant]) -> None:
    """acme's limit is 5 messages and €5.00 a day. Idempotent."""
    acme = tenants["acme"]
    MessagingLimit.objects.update_or_create(
        tenant=acme,
        defaults={
            "messages_per_day": 5,
            "amount_per_day": Decimal("5.00"),
            "currency": acme.currency,
            "updated_at": timezone.now(),
        },
    )
