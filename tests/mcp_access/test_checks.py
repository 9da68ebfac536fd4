from __future__ import annotations

import pytest
from django.conf import settings as project
from pytest_django import Settings

from mcp_access.checks import check_tiers


def found(settings: Settings, price: object) -> list[str | None]:
    tiers = project.MCP_TIERS
    settings.MCP_TIERS = tiers | {"automate": tiers["automate"] | {"overage_eur": price}}
    return [message.id for message in check_tiers(None)]


def test_the_price_as_it_is_fits_the_ledger() -> None:
    assert check_tiers(None) == []


@pytest.mark.parametrize("price", ["0.0005", "0.000001", "2", "0.00050000"])
def test_prices_that_fit(settings: Settings, price: str) -> None:
    assert found(settings, price) == []


@pytest.mark.parametrize("price", ["0.0000005", "-1", "0", "NaN", "free", 0.0005, None])
def test_a_price_that_could_not_be_booked_exactly_is_refused(
    settings: Settings, price: object
) -> None:
    assert found(settings, price) == ["mcp_access.E001"]
