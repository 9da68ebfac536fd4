"""The demo's price list, in EUR: setup, monthly, per minute in and out, SMS in and out."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.number_types import NumberType
from cliqtel_portal.pricing.models import Price

_NAMESPACE = uuid.UUID("4b6e2a51-4f0c-4f0e-9d3d-2f5f0f1f6a01")
_EFFECTIVE_AT = datetime(2026, 1, 1, tzinfo=UTC)

_LOCAL, _MOBILE = NumberType.LOCAL, NumberType.MOBILE
_NATIONAL, _TOLL_FREE = NumberType.NATIONAL, NumberType.TOLL_FREE

PRICES: list[tuple[str, NumberType, str, str, str, str, str | None, str | None]] = [
    ("BE", _LOCAL, "1.00", "1.40", "0.0045", "0.0110", None, None),
    ("BE", _MOBILE, "5.00", "6.50", "0.0060", "0.0390", "0.0080", "0.0890"),
    ("BE", _NATIONAL, "5.00", "4.00", "0.0070", "0.0110", None, None),
    ("BE", _TOLL_FREE, "15.00", "14.00", "0.0650", "0.0110", None, None),
    ("DE", _LOCAL, "1.00", "1.20", "0.0040", "0.0095", None, None),
    ("DE", _MOBILE, "8.00", "9.00", "0.0060", "0.0310", "0.0080", "0.0750"),
    ("DE", _NATIONAL, "3.00", "2.50", "0.0050", "0.0095", None, None),
    ("DE", _TOLL_FREE, "20.00", "16.00", "0.0590", "0.0095", None, None),
    ("ES", _LOCAL, "1.00", "1.50", "0.0045", "0.0090", None, None),
    ("ES", _MOBILE, "6.00", "8.00", "0.0060", "0.0260", "0.0080", "0.0590"),
    ("ES", _TOLL_FREE, "20.00", "18.00", "0.0680", "0.0090", None, None),
    ("FR", _LOCAL, "1.00", "1.30", "0.0040", "0.0085", None, None),
    ("FR", _MOBILE, "8.00", "10.00", "0.0060", "0.0280", "0.0080", "0.0650"),
    ("FR", _NATIONAL, "1.00", "1.50", "0.0040", "0.0085", None, None),
    ("FR", _TOLL_FREE, "25.00", "19.00", "0.0620", "0.0085", None, None),
    ("GB", _LOCAL, "0.00", "0.90", "0.0035", "0.0080", None, None),
    ("GB", _MOBILE, "1.00", "1.50", "0.0050", "0.0240", "0.0060", "0.0370"),
    ("GB", _NATIONAL, "1.00", "2.00", "0.0050", "0.0080", None, None),
    ("GB", _TOLL_FREE, "5.00", "6.00", "0.0380", "0.0080", None, None),
    ("IE", _LOCAL, "1.00", "1.40", "0.0045", "0.0100", None, None),
    ("IE", _MOBILE, "5.00", "6.00", "0.0060", "0.0290", "0.0080", "0.0560"),
    ("IE", _NATIONAL, "5.00", "5.00", "0.0070", "0.0100", None, None),
    ("IE", _TOLL_FREE, "15.00", "15.00", "0.0640", "0.0100", None, None),
    ("NL", _LOCAL, "0.00", "1.00", "0.0035", "0.0090", None, None),
    ("NL", _MOBILE, "2.50", "4.50", "0.0050", "0.0270", "0.0070", "0.0810"),
    ("NL", _NATIONAL, "0.00", "1.25", "0.0040", "0.0090", None, None),
    ("NL", _TOLL_FREE, "12.50", "12.00", "0.0560", "0.0090", None, None),
    ("SE", _LOCAL, "1.00", "1.30", "0.0040", "0.0090", None, None),
    ("SE", _MOBILE, "2.50", "3.50", "0.0050", "0.0250", "0.0060", "0.0520"),
    ("SE", _NATIONAL, "3.00", "3.00", "0.0050", "0.0090", None, None),
    ("SE", _TOLL_FREE, "12.50", "12.00", "0.0540", "0.0090", None, None),
    ("US", _LOCAL, "0.00", "0.95", "0.0032", "0.0070", "0.0040", "0.0075"),
    ("US", _TOLL_FREE, "1.00", "1.90", "0.0150", "0.0070", "0.0050", "0.0075"),
]


def seed(tenants: Mapping[str, Tenant]) -> None:
    """Adds what is missing; a price that staff changed stays changed."""
    Price.objects.bulk_create(
        [
            Price(
                id=uuid.uuid5(_NAMESPACE, f"{country} {number_type} EUR"),
                country=country,
                number_type=number_type,
                currency="EUR",
                setup=Decimal(setup),
                monthly=Decimal(monthly),
                per_minute_in=Decimal(per_minute_in),
                per_minute_out=Decimal(per_minute_out),
                sms_in=None if sms_in is None else Decimal(sms_in),
                sms_out=None if sms_out is None else Decimal(sms_out),
                effective_at=_EFFECTIVE_AT,
            )
            for (
                country,
                number_type,
                setup,
                monthly,
                per_minute_in,
                per_minute_out,
                sms_in,
                sms_out,
            ) in PRICES
        ],
        ignore_conflicts=True,
    )
