"""A price that the ledger could not hold exactly stops the start, not the first statement."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from cliqtel_portal.billing.models import UsageStatement


@register
def check_tiers(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    wrong = [
        name
        for name, tier in settings.MCP_TIERS.items()
        if "overage_eur" in tier and not _is_price(tier["overage_eur"])
    ]
    return [
        Error(
            f"The overage price of the tier {name} in MCP_TIERS is not a price.",
            hint="Write a positive amount as text, with at most six decimals: 0.0005.",
            id="mcp_access.E001",
        )
        for name in wrong
    ]


def _is_price(text: object) -> bool:
    if not isinstance(text, str):
        return False
    try:
        price = Decimal(text)
    except InvalidOperation:
        return False
    places = UsageStatement._meta.get_field("unit_price").decimal_places
    return price.is_finite() and price > 0 and price == round(price, places)
