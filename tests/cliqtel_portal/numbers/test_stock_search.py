from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from cliqtel_portal.errors import InvalidArguments
from cliqtel_portal.numbers.models import Offer
from cliqtel_portal.numbers.services import StockFilters, search_stock
from cliqtel_portal.pricing.models import Price
from tests.factories.accounts import TenantFactory
from tests.factories.numbers import ReservationFactory, StockNumberFactory
from tests.factories.pricing import PriceFactory
from tests.factories.regulatory import RequirementFactory, RequirementSetFactory


@pytest.fixture(autouse=True)
def prices(db):
    PriceFactory(country="NL", number_type="local", setup=Decimal("0.50"), monthly=Decimal("1.00"))
    PriceFactory(country="NL", number_type="mobile", monthly=Decimal("4.50"))


def search(tenant, *, limit=20, after=None, at=None, country="NL", **filters):
    return search_stock(
        tenant, StockFilters(country=country, **filters), limit=limit, after=after, at=at
    )


def numbers(page):
    return [found.e164 for found in page.numbers]


def stock(*endings, **fields):
    return [StockNumberFactory(e164=f"+3120666{ending:04d}", **fields) for ending in endings]


def test_a_found_number_has_its_price_an_offer_and_what_it_asks_for(acme):
    rules = RequirementSetFactory(country="NL", number_type="local")
    RequirementFactory(requirement_set=rules, name="Address in the area")
    stock(1, capabilities=["voice", "fax"], requires_documents=True)
    now = timezone.now()
    (found,) = search(acme, at=now).numbers
    assert found.e164 == "+31206660001"
    assert found.capabilities == ("voice", "fax")
    assert (found.setup.plain, found.monthly.plain) == ("0.50", "1.00")
    assert found.requirements == ("Address in the area",)
    assert found.reservable
    offer = Offer.objects.get(pk=found.offer_id)
    assert offer.tenant == acme
    assert offer.expires_at == found.offer_expires_at == now + timedelta(minutes=15)
    assert offer.monthly_money == found.monthly


def test_sold_withheld_and_unpriced_numbers_are_not_found(acme):
    stock(1, status="sold")
    stock(2, status="reserved")
    StockNumberFactory(e164="+31800555000", number_type="toll_free")
    stock(3)
    assert numbers(search(acme)) == ["+31206660003"]


def test_what_another_tenant_holds_is_hidden_and_the_own_hold_not_reservable(acme, mallory):
    theirs, ours = stock(1, 2)
    ReservationFactory(stock_number=theirs, tenant=mallory.tenant)
    ReservationFactory(stock_number=ours, tenant=acme)
    assert [(f.e164, f.reservable) for f in search(acme).numbers] == [("+31206660002", False)]
    assert numbers(search(mallory.tenant)) == ["+31206660001"]


def test_a_hold_that_ran_out_or_was_released_hides_nothing(acme, mallory):
    late, released = stock(1, 2)
    now = timezone.now()
    ReservationFactory(stock_number=late, tenant=mallory.tenant, expires_at=now + timedelta(60))
    ReservationFactory(stock_number=released, tenant=mallory.tenant, released_at=now)
    assert numbers(search(acme)) == ["+31206660002"]
    assert len(search(acme, at=now + timedelta(60)).numbers) == 2


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"number_type": "mobile"}, ["+31612340001"]),
        ({"capabilities": ("voice", "sms")}, ["+31612340001"]),
        ({"max_monthly": Decimal("1.00")}, ["+31101110001", "+31206660001", "+31206660777"]),
        ({"max_monthly": Decimal("0.99")}, []),
        ({"without_requirements": True}, ["+31206660001", "+31206660777", "+31612340001"]),
        ({"area": "rotter"}, ["+31101110001"]),
        ({"area": "020"}, ["+31206660001", "+31206660777"]),
        ({"area": "20"}, ["+31206660001", "+31206660777"]),
        ({"area": "+31 20"}, ["+31206660001", "+31206660777"]),
        ({"contains": "666"}, ["+31206660001", "+31206660777"]),
        ({"contains": "31"}, []),
        ({"contains": "66 60-00"}, ["+31206660001"]),
        ({"contains": "020 6660 0"}, ["+31206660001"]),
        ({"starts_with": "020"}, ["+31206660001", "+31206660777"]),
        ({"starts_with": "20"}, ["+31206660001", "+31206660777"]),
        ({"starts_with": "+316"}, ["+31612340001"]),
        ({"starts_with": "+44"}, []),
        ({"ends_with": "777"}, ["+31206660777"]),
        ({"ends_with": "1", "number_type": "local"}, ["+31101110001", "+31206660001"]),
    ],
)
def test_filters(acme, filters, expected):
    stock(1, 777)
    StockNumberFactory(
        e164="+31101110001", area="Rotterdam", area_code="10", requires_documents=True
    )
    StockNumberFactory(
        e164="+31612340001",
        number_type="mobile",
        area="",
        area_code="",
        capabilities=["voice", "sms"],
    )
    StockNumberFactory(e164="+441614960001", country="GB")
    assert numbers(search(acme, **filters)) == expected


def test_pages_follow_each_other_without_gap_or_repetition(acme):
    stock(*range(7))
    seen, after = [], None
    while True:
        page = search(acme, limit=3, after=after)
        seen += numbers(page)
        after = page.next_after
        if after is None:
            break
    assert seen == [f"+3120666{n:04d}" for n in range(7)]


def test_a_page_is_as_large_as_the_quantity_asked_for(acme):
    stock(*range(5))
    page = search(acme, quantity=2)
    assert len(page.numbers) == 2
    assert page.next_after == 31206660001


def test_consecutive_finds_whole_blocks_that_do_not_overlap(acme):
    stock(*range(10, 17), *range(30, 33), 40, 41)
    page = search(acme, quantity=3, consecutive=True)
    assert [(f.block, int(f.e164[-2:])) for f in page.numbers] == [
        (1, 10),
        (1, 11),
        (1, 12),
        (2, 13),
        (2, 14),
        (2, 15),
        (3, 30),
        (3, 31),
        (3, 32),
    ]
    assert page.next_after is None


def test_blocks_are_paged_too(acme):
    stock(*range(10, 30))
    first = search(acme, quantity=5, consecutive=True, limit=10)
    assert [int(f.e164[-2:]) for f in first.numbers] == list(range(10, 20))
    second = search(acme, quantity=5, consecutive=True, limit=10, after=first.next_after)
    assert [int(f.e164[-2:]) for f in second.numbers] == list(range(20, 30))
    assert second.next_after is None


def test_a_block_larger_than_the_limit_still_comes_whole(acme):
    stock(*range(8))
    assert len(search(acme, quantity=8, consecutive=True, limit=5).numbers) == 8


def test_a_held_number_or_another_type_breaks_a_block(acme, mallory):
    rows = stock(*range(5))
    ReservationFactory(stock_number=rows[2], tenant=mallory.tenant)
    assert numbers(search(acme, quantity=3, consecutive=True)) == []
    assert len(search(mallory.tenant, quantity=5, consecutive=True).numbers) == 5
    rows[2].reservations.all().delete()
    type(rows[2]).objects.filter(pk=rows[2].pk).update(number_type="mobile")
    assert numbers(search(acme, quantity=3, consecutive=True)) == []


def test_a_pattern_is_about_the_first_number_of_a_block(acme):
    stock(*range(8, 24))
    page = search(acme, quantity=10, consecutive=True, ends_with="10")
    assert [int(f.e164[-2:]) for f in page.numbers] == list(range(10, 20))


def test_a_block_of_one_is_a_number(acme):
    stock(1, 5)
    page = search(acme, quantity=1, consecutive=True)
    assert [(f.block, f.e164[-1]) for f in page.numbers] == [(1, "1"), (2, "5")]


def test_consecutive_needs_a_quantity_and_patterns_need_digits_all_said_at_once(acme):
    with pytest.raises(InvalidArguments) as caught:
        search(acme, consecutive=True, contains="--", ends_with="٣")
    assert [problem.field for problem in caught.value.problems] == [
        "contains",
        "ends_with",
        "quantity",
    ]


def test_empty_names_each_filter_that_stands_in_the_way_with_its_count(acme):
    stock(1, 2, 3)
    page = search(acme, area="Amsterdam", contains="999", capabilities=("voice",))
    assert page.numbers == ()
    assert [(why.filter, why.count) for why in page.why_empty] == [("contains", 3)]
    assert page.why_empty[0].hint == "Leave out contains: then 3 numbers match."


def test_empty_says_so_if_only_several_filters_together_empty_it(acme):
    stock(1, 2)
    (why,) = search(acme, contains="999", capabilities=("mms",)).why_empty
    assert (why.filter, why.count) == ("all", 2)


def test_empty_counts_places_where_a_block_could_start(acme):
    stock(1, 2, 3, area="Amsterdam")
    (why,) = search(acme, quantity=2, consecutive=True, area="Paris").why_empty
    assert (why.filter, why.count) == ("area", 2)
    (why,) = search(acme, quantity=4, consecutive=True).why_empty
    assert (why.filter, why.count) == ("consecutive", 3)


def test_empty_country_is_the_reason_itself(acme):
    (why,) = search(acme, number_type="mobile").why_empty
    assert (why.filter, why.count) == ("country", 0)
    assert "Netherlands" in why.hint
    (why,) = search(acme, country="AQ").why_empty
    assert "get_pricing" in why.hint


def test_the_end_of_the_pages_is_no_empty_search(acme):
    stock(1)
    assert search(acme, after=31206660001).why_empty == ()


def test_a_search_takes_five_queries_however_much_it_finds(acme, django_assert_num_queries):
    stock(*range(30))
    for limit in (1, 25):
        with django_assert_num_queries(5):
            search(acme, limit=limit)
    with django_assert_num_queries(6):
        search(acme, quantity=5, consecutive=True, limit=25)


def test_an_empty_search_takes_one_query_for_each_filter(acme, django_assert_num_queries):
    stock(1)
    with django_assert_num_queries(2 + 1):
        search(acme, contains="999")
    with django_assert_num_queries(2 + 2 + 1):
        search(acme, contains="999", ends_with="888")


def test_searching_again_renews_the_offers_instead_of_piling_them_up(acme, mallory):
    stock(1, 2)
    now = timezone.now()
    first = search(acme, at=now)
    later = search(acme, at=now + timedelta(minutes=5))
    assert [f.offer_id for f in later.numbers] == [f.offer_id for f in first.numbers]
    assert later.numbers[0].offer_expires_at == now + timedelta(minutes=20)
    assert Offer.objects.count() == 2
    search(mallory.tenant, at=now)
    assert Offer.objects.for_tenant(acme).count() == 2
    assert Offer.objects.count() == 4


def test_another_price_makes_another_offer_and_keeps_the_promise_of_the_first(acme):
    stock(1)
    (before,) = search(acme).numbers
    Price.objects.filter(number_type="local").update(monthly=Decimal("1.20"))
    (after,) = search(acme).numbers
    assert after.offer_id != before.offer_id
    assert after.monthly.plain == "1.20"
    assert Offer.objects.get(pk=before.offer_id).monthly_money.plain == "1.00"


@pytest.mark.django_db(transaction=True)
def test_searches_at_the_same_time_share_their_offers():
    tenant = TenantFactory()
    stock(*range(50))
    barrier = threading.Barrier(4)
    found: list[set[uuid.UUID]] = []

    def run() -> None:
        try:
            barrier.wait(10)
            for _ in range(5):
                found.append({number.offer_id for number in search(tenant, limit=50).numbers})
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert all(offers == found[0] for offers in found)
    assert Offer.objects.count() == len(found[0]) == 50
