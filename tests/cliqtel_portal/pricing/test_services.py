from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from cliqtel_portal.errors import NotFound
from cliqtel_portal.money import Money
from cliqtel_portal.pricing import services
from tests.factories.pricing import PriceFactory

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_prices_of_many_pairs_come_in_one_query(acme, django_assert_num_queries):
    PriceFactory(country="NL", number_type="local", monthly=Decimal("1.00"))
    PriceFactory(country="NL", number_type="mobile", monthly=Decimal("4.50"))
    PriceFactory(country="GB", number_type="local", monthly=Decimal("0.90"))
    with django_assert_num_queries(1):
        prices = services.current_prices(
            acme, [("NL", "local"), ("GB", "local"), ("FR", "local")], at=NOW
        )
    assert {pair: price.monthly for pair, price in prices.items()} == {
        ("NL", "local"): Money(amount=Decimal("1.00")),
        ("GB", "local"): Money(amount=Decimal("0.90")),
    }


def test_no_pairs_ask_nothing(acme, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert services.current_prices(acme, []) == {}


def test_the_price_of_the_moment_counts_not_the_past_or_planned_one(acme):
    day = datetime(2026, 3, 1, tzinfo=UTC)
    plan = datetime(2026, 9, 1, tzinfo=UTC)
    PriceFactory(monthly=Decimal(1), effective_at=datetime(2025, 1, 1, tzinfo=UTC), valid_until=day)
    PriceFactory(monthly=Decimal(2), effective_at=day, valid_until=plan)
    PriceFactory(monthly=Decimal(3), effective_at=plan)

    def monthly(at: datetime) -> Decimal:
        price = services.current_price(acme, country="NL", number_type="local", at=at)
        return price.monthly.amount

    assert monthly(day.replace(month=2)) == 1
    assert monthly(day) == 2
    assert monthly(NOW) == 2
    assert monthly(plan) == 3


@pytest.mark.django_db
def test_two_prices_at_the_same_moment_are_refused():
    PriceFactory(effective_at=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(IntegrityError, match="pricing_price_one_at_a_time"), transaction.atomic():
        PriceFactory(effective_at=datetime(2026, 5, 1, tzinfo=UTC))
    PriceFactory(effective_at=datetime(2026, 5, 1, tzinfo=UTC), currency="USD")


def test_the_tenants_currency_goes_before_the_lists(acme):
    PriceFactory(currency="EUR", monthly=Decimal("2.00"))
    PriceFactory(currency="USD", monthly=Decimal("2.20"))
    PriceFactory(currency="GBP", monthly=Decimal("1.70"))
    price = services.current_price(acme, country="NL", number_type="local", at=NOW)
    assert price.monthly == Money(amount=Decimal("2.00"), currency="EUR")
    acme.currency = "USD"
    price = services.current_price(acme, country="NL", number_type="local", at=NOW)
    assert price.monthly == Money(amount=Decimal("2.20"), currency="USD")
    acme.currency = "SEK"
    price = services.current_price(acme, country="NL", number_type="local", at=NOW)
    assert price.monthly.currency == "EUR"


def test_a_type_not_sold_says_where_to_look(acme):
    with pytest.raises(NotFound, match=r"no toll-free numbers in Netherlands.*get_pricing"):
        services.current_price(acme, country="NL", number_type="toll_free")


def test_coverage_is_paged_by_country_without_gaps(acme, django_assert_num_queries):
    for country in ["NL", "BE", "DE"]:
        PriceFactory(country=country, number_type="local", monthly=Decimal("3.00"))
        PriceFactory(country=country, number_type="mobile", monthly=Decimal("2.50"))
    with django_assert_num_queries(2):
        first = services.coverage(acme, limit=2, at=NOW)
    assert [country.country for country in first.countries] == ["BE", "DE"]
    assert first.countries[0].number_types == ("local", "mobile")
    assert first.countries[0].from_monthly.amount == Decimal("2.50")
    assert first.next_after == "DE"
    second = services.coverage(acme, limit=2, after=first.next_after, at=NOW)
    assert [country.country for country in second.countries] == ["NL"]
    assert second.next_after is None


def test_coverage_can_be_of_one_type_or_one_country(acme):
    PriceFactory(country="NL", number_type="local")
    PriceFactory(country="BE", number_type="mobile")
    mobile = services.coverage(acme, number_type="mobile", limit=20, at=NOW)
    assert [country.country for country in mobile.countries] == ["BE"]
    dutch = services.coverage(acme, country="NL", limit=20, at=NOW)
    assert [country.country for country in dutch.countries] == ["NL"]


def test_tiers_are_those_of_the_policy_page(settings):
    products = {product.tier: product for product in services.tier_products()}
    assert list(products) == list(settings.MCP_TIERS)
    assert products["discover"].calls_per_month == 10_000
    assert products["discover"].stops_at_limit
    assert products["discover"].overage is None
    assert products["automate"].overage == Money(amount=Decimal("0.0005"))
    assert str(products["automate"].overage) == "€0.0005"
    assert products["embed"].calls_per_month is None
