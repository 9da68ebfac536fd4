from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound
from mcp_access.catalog.get_pricing import get_pricing
from mcp_access.tools.fields import encode_cursor
from mcp_access.tools.tool import Context
from tests.factories.mcp_access import principal_of
from tests.factories.pricing import PriceFactory

pytestmark = pytest.mark.django_db


def call(membership: Membership, **arguments: Any) -> dict[str, Any]:
    answer = get_pricing.handler(
        Context(principal=principal_of(membership), call_id=str(uuid.uuid4())),
        get_pricing.parse(arguments),
    )
    content = answer.result.model_dump(mode="json", exclude_none=True)
    jsonschema.validate(content, get_pricing.output_schema)
    return {**content, "text": answer.text}


def euro(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def test_a_price_is_complete_and_exact(bob: Membership) -> None:
    PriceFactory(country="NL", number_type="mobile", sms_out=Decimal("0.081"))
    found = call(bob, country="NL", number_type="mobile")
    assert found["setup"] == euro("1.50")
    assert found["monthly"] == euro("2.00")
    assert found["per_minute_in"] == euro("0.0035")
    assert found["per_minute_out"] == euro("0.009")
    assert found["sms_out"] == euro("0.081")
    assert "sms_in" not in found
    assert found["currency"] == "EUR"
    assert found["effective_at"] == "2026-01-01T00:00:00Z"
    assert "valid_until" not in found
    assert found["tier_overage_price"] == euro("0.0005")
    assert "VAT" in found["vat_note"]
    assert found["coverage"] == found["products"] == []
    assert found["text"] == (
        "A mobile number in Netherlands costs €1.50 once and €2.00 a month, without VAT."
    )


def test_coverage_comes_with_the_tiers_page_by_page(bob: Membership) -> None:
    PriceFactory(country="NL", number_type="local", monthly=Decimal("1.00"))
    PriceFactory(country="NL", number_type="mobile", monthly=Decimal("4.50"))
    PriceFactory(country="BE", number_type="local", monthly=Decimal("1.40"))
    first = call(bob, limit=1)
    assert first["coverage"] == [
        {"country": "BE", "name": "Belgium", "types": ["local"], "from_price": euro("1.40")}
    ]
    assert "setup" not in first
    second = call(bob, limit=1, cursor=first["next_cursor"])
    assert second["coverage"] == [
        {
            "country": "NL",
            "name": "Netherlands",
            "types": ["local", "mobile"],
            "from_price": euro("1.00"),
        }
    ]
    assert "next_cursor" not in second
    products = {product["tier"]: product for product in first["products"]}
    assert products["discover"]["calls_per_month"] == 10_000
    assert products["automate"]["overage_price"] == euro("0.0005")
    assert "calls_per_month" not in products["embed"]


def test_one_of_country_and_type_narrows_the_coverage(bob: Membership) -> None:
    PriceFactory(country="NL", number_type="local")
    PriceFactory(country="BE", number_type="mobile")
    assert [row["country"] for row in call(bob, country="NL")["coverage"]] == ["NL"]
    assert [row["country"] for row in call(bob, number_type="mobile")["coverage"]] == ["BE"]
    assert call(bob, country="FR")["coverage"] == []


def test_what_is_not_sold_is_not_found(bob: Membership) -> None:
    with pytest.raises(NotFound):
        call(bob, country="NL", number_type="local")


def test_two_tenants_pay_in_their_own_currencies(bob: Membership, mallory: Membership) -> None:
    PriceFactory(currency="EUR", monthly=Decimal("2.00"))
    PriceFactory(currency="GBP", monthly=Decimal("1.70"))
    mallory.tenant.currency = "GBP"
    pair = {"country": "NL", "number_type": "local"}
    assert call(bob, **pair)["monthly"] == euro("2.00")
    assert call(mallory, **pair)["monthly"] == {"amount": "1.70", "currency": "GBP"}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"country": "EU"}, "country"),
        ({"number_type": "premium"}, "number_type"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": encode_cursor("Netherlands")}, "cursor"),
        ({"cursor": encode_cursor("\ud800\ud800")}, "cursor"),
    ],
)
def test_what_does_not_fit_is_refused(
    bob: Membership, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        call(bob, **arguments)
    assert [problem.field for problem in caught.value.problems] == [field]


@pytest.mark.parametrize("name", ["Netherlands", "N", "", "EU"])
def test_a_country_that_is_no_code_is_told_what_to_write(name: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        get_pricing.parse({"country": name})
    assert "write two letters" in caught.value.problems[0].message


def test_a_price_takes_one_query_and_coverage_two(
    bob: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for country in ("NL", "BE", "DE"):
        PriceFactory(country=country)
    context = Context(principal=principal_of(bob), call_id="1")
    with django_assert_num_queries(1):
        get_pricing.handler(context, get_pricing.parse({"country": "NL", "number_type": "local"}))
    for limit in (1, 100):
        with django_assert_num_queries(2):
            get_pricing.handler(context, get_pricing.parse({"limit": limit}))
