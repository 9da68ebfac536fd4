"""The Buy page: looking, holding, and what the form sends to be ordered."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.numbers.models import Reservation
from tests.factories.accounts import MembershipFactory
from tests.factories.numbers import ReservationFactory, StockNumberFactory
from tests.factories.pricing import PriceFactory
from tests.factories.regulatory import RequirementFactory, RequirementSetFactory

pytestmark = pytest.mark.django_db

SEARCH = "/numbers/search/"


@pytest.fixture(autouse=True)
def price() -> None:
    PriceFactory(country="NL", number_type="local", setup=Decimal("2.00"), monthly=Decimal("1.25"))


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def viewer(tenant: Tenant) -> Membership:
    return MembershipFactory(tenant=tenant, role="viewer")


def page(membership: Membership, query: str = "country=NL") -> str:
    response = signed_in(membership).get(f"{SEARCH}?{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_without_a_country_it_says_where_there_is_something(bob):
    shown = page(bob, "")
    assert 'href="?country=NL"' in shown
    assert "from €1.25 a month" in shown
    assert "Order</button>" not in shown


def test_a_number_is_shown_with_its_prices_and_what_it_asks_for(bob):
    rules = RequirementSetFactory(country="NL", number_type="local")
    RequirementFactory(requirement_set=rules, name="Proof of <address>")
    StockNumberFactory(e164="+31205550001", requires_documents=True, capabilities=["sms", "voice"])
    StockNumberFactory(e164="+31205550002")
    shown = page(bob)
    for text in ("+31 20 555 0001", "Local", "Amsterdam", "Voice, SMS", "€2.00", "€1.25"):
        assert text in shown
    assert "1 requirement<" in shown
    assert "Proof of &lt;address&gt;" in shown
    assert "</span>Nothing</span>" in shown
    assert 'name="numbers" value="+31205550001"' in shown


def test_filters_of_the_address_narrow_the_search(bob):
    StockNumberFactory(e164="+31205550001", capabilities=["voice", "sms"])
    StockNumberFactory(e164="+31205550123", capabilities=["voice", "sms"])
    StockNumberFactory(e164="+31205550999", capabilities=["voice"])
    found = page(bob, "country=NL&digits=0123&where=ends_with&capabilities=sms&capabilities=voice")
    assert "+31205550123" in found
    assert "+31205550001" not in found
    assert "+31205550999" not in found
    assert '<details class="more" open>' in found


def test_numbers_in_a_row_are_shown_as_blocks(bob):
    for last in range(6):
        StockNumberFactory(e164=f"+3120555000{last}")
    # As a spreadsheet writes it, too: the form takes it.
    for three in ("3", "3.0"):
        shown = page(bob, f"country=NL&in_a_row={three}")
        assert shown.count("3 in a row from") == 2


def test_a_page_leads_to_the_next(bob):
    for last in range(30):
        StockNumberFactory(e164=f"+312055500{last:02}")
    first = page(bob)
    assert "after=31205550024" in first
    assert "+31205550025" not in first
    second = page(bob, "country=NL&after=31205550024")
    assert "+31205550025" in second
    assert "First page" in second


def test_nothing_found_says_which_filter_is_to_blame(bob):
    StockNumberFactory(e164="+31205550001")
    shown = page(bob, "country=NL&digits=777&where=contains&number_type=local")
    assert "Nothing found" in shown
    assert "Without the digits</a>: 1 found" in shown
    assert "?country=NL&amp;where=contains&amp;number_type=local" in shown


def test_an_empty_shelf_is_no_filters_fault(bob):
    StockNumberFactory(status="sold")
    assert "Nothing is in stock in Netherlands" in page(bob)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("country=NL&digits=%3Cscript%3E", "Write digits"),
        ("country=XX", "not one of the available choices"),
        ("country=NL&in_a_row=99", "less than or equal to 50"),
        ("country=NL&max_monthly=NaN", "Enter a number"),
    ],
)
def test_a_filter_that_makes_no_sense_is_told_and_finds_nothing(bob, query, message):
    StockNumberFactory(e164="+31205550001")
    shown = page(bob, query)
    assert message in shown
    assert "<script>" not in shown
    assert "+31205550001" not in shown


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40, "%00"])
def test_a_cursor_that_is_not_ours_is_ignored(bob, after):
    StockNumberFactory(e164="+31205550001")
    assert "+31205550001" in page(bob, f"country=NL&after={after}")


def test_who_only_looks_sees_no_button(acme):
    StockNumberFactory(e164="+31205550001")
    shown = page(viewer(acme))
    assert "+31 20 555 0001" in shown
    for text in (
        'type="checkbox" name="numbers"',
        "Order</button>",
        "Reserve",
        '<select name="trunk"',
    ):
        assert text not in shown


def post(membership, path="reserve/", **data):
    return signed_in(membership).post(f"{SEARCH}{path}", data, follow=True)


def test_reserved_numbers_are_kept_from_others_and_listed_with_their_time(bob, mallory):
    StockNumberFactory(e164="+31205550001")
    StockNumberFactory(e164="+31205550002")
    response = post(bob, numbers=["+31205550001", "+31205550002"], query="country=NL&x=%22%3E")
    shown = response.content.decode()
    assert response.redirect_chain == [(f"{SEARCH}?country=NL&x=%22%3E", 302)]
    assert "2 numbers are held for you for 15 minutes." in shown
    assert "Held for you" in shown
    assert "in 14 min" in shown
    assert "€2.00 once, €1.25 a month" in shown
    assert Reservation.objects.for_tenant(bob.tenant).live(timezone.now()).count() == 2
    assert "+31205550001" not in page(mallory)


def test_what_was_sold_meanwhile_is_told_and_the_rest_is_held(bob):
    StockNumberFactory(e164="+31205550001", status="sold")
    StockNumberFactory(e164="+31205550002")
    shown = post(bob, numbers=["+31205550001", "+31205550002"]).content.decode()
    assert "+31 20 555 0001 is sold. Choose another number." in shown
    assert "1 number is held for you" in shown


def test_nothing_ticked_is_told(bob):
    assert "Choose at least one number first." in post(bob).content.decode()
    many = [f"+3120555{last:04}" for last in range(51)]
    assert "at most 50" in post(bob, numbers=many).content.decode()
    assert not Reservation.objects.exists()


def test_a_hold_is_released_by_its_tenant_alone(bob, mallory):
    hold = ReservationFactory(tenant=bob.tenant)
    assert post(mallory, f"release/{hold.pk}/").status_code == 404
    hold.refresh_from_db()
    assert hold.released_at is None
    assert "is free for others again" in post(bob, f"release/{hold.pk}/").content.decode()
    hold.refresh_from_db()
    assert hold.released_at is not None


def test_a_viewer_holds_and_releases_nothing(acme):
    StockNumberFactory(e164="+31205550001")
    hold = ReservationFactory(tenant=acme)
    person = viewer(acme)
    assert post(person, numbers=["+31205550001"]).status_code == 403
    assert post(person, f"release/{hold.pk}/").status_code == 403
    assert Reservation.objects.live(timezone.now()).count() == 1


def test_neither_foreign_nor_past_holds_are_listed(bob, mallory):
    ReservationFactory(tenant=mallory.tenant)
    now = timezone.now()
    ReservationFactory(
        tenant=bob.tenant,
        created_at=now - timedelta(hours=1),
        expires_at=now - timedelta(minutes=1),
    )
    assert "Held for you" not in page(bob, "")


def test_the_back_address_stays_on_the_page(bob):
    response = post(bob, query="//evil.example/?a=1", numbers=["+31205550009"])
    assert response.redirect_chain[0][0].startswith(SEARCH)
    for path in ("reserve/", "release/01990000-0000-7000-8000-000000000000/"):
        assert signed_in(bob).get(f"{SEARCH}{path}").status_code == 405


def test_a_stranger_is_sent_to_the_login():
    response = Client().get(SEARCH)
    assert "/account/login/" in response["Location"]


def test_a_page_of_many_asks_no_more_queries_than_one_of_few(bob, django_assert_max_num_queries):
    for last in range(25):
        StockNumberFactory(e164=f"+312055500{last:02}")
    client = signed_in(bob)
    client.get(SEARCH, {"country": "NL"})
    with django_assert_max_num_queries(22):
        client.get(SEARCH, {"country": "NL"})
