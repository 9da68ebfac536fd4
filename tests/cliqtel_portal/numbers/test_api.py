from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from cliqtel_portal.numbers.models import Reservation
from tests.factories.accounts import MembershipFactory
from tests.factories.numbers import ReservationFactory, StockNumberFactory
from tests.factories.pricing import PriceFactory

STOCK = "/api/v1/numbers/stock/"
RESERVATIONS = "/api/v1/numbers/reservations/"


def api_of(membership) -> Client:
    browser = Client()
    browser.force_login(membership.user)
    return browser


def reserve(browser, **body):
    return browser.post(RESERVATIONS, body, content_type="application/json")


def test_the_stock_is_searched_page_by_page(alice):
    PriceFactory(country="NL", number_type="local", monthly=Decimal("1.00"))
    both = ["voice", "fax"]
    first, second = (StockNumberFactory(e164=f"+3120666000{n}", capabilities=both) for n in (1, 2))
    StockNumberFactory(e164="+31206660003")
    browser = api_of(alice)
    query = {"country": "nl", "capabilities": both, "limit": 1}
    body = browser.get(STOCK, query).json()
    (found,) = body["results"]
    assert (found["number"], found["reservable"]) == (first.e164, True)
    assert found["monthly"] == {"amount": "1.00", "currency": "EUR", "text": "€1.00"}
    body = browser.get(STOCK, {**query, "cursor": body["next"]}).json()
    assert [found["number"] for found in body["results"]] == [second.e164]
    assert (body["next"], body["why_empty"]) == (None, [])
    assert browser.get(STOCK, {"country": "DE"}).json()["why_empty"]


def test_a_search_that_is_not_clear_is_refused_with_all_problems(alice):
    browser = api_of(alice)
    answer = browser.get(STOCK, {"country": "XX", "quantity": "0", "number_type": "other"})
    assert answer.status_code == 400
    fields = {each["field"] for each in answer.json()["error"]["problems"]}
    assert fields == {"country", "quantity", "number_type"}
    answer = browser.get(STOCK, {"country": "NL", "contains": "--", "consecutive": "true"})
    fields = {each["field"] for each in answer.json()["error"]["problems"]}
    assert fields == {"contains", "quantity"}


def test_a_number_is_held_listed_and_let_go(alice, mallory):
    stock = StockNumberFactory()
    browser = api_of(alice)
    answer = reserve(browser, number=stock.e164, ttl_minutes=20)
    assert answer.status_code == 200
    held = Reservation.objects.get()
    expected = {
        "id": str(held.pk),
        "number": stock.e164,
        "expires_at": held.expires_at.isoformat().replace("+00:00", "Z"),
        "is_ordered": False,
    }
    assert answer.json() == expected
    assert browser.get(RESERVATIONS).json() == {"results": [expected]}
    stranger = api_of(mallory)
    assert stranger.get(RESERVATIONS).json() == {"results": []}
    assert stranger.delete(f"{RESERVATIONS}{held.pk}/").status_code == 404
    taken = reserve(stranger, number=stock.e164)
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "number_unavailable")
    for _ in range(2):
        assert browser.delete(f"{RESERVATIONS}{held.pk}/").status_code == 204
    assert browser.get(RESERVATIONS).json() == {"results": []}


def test_viewers_read_and_hold_nothing(acme):
    stock = StockNumberFactory()
    held = ReservationFactory(tenant=acme, expires_at=timezone.now() + timedelta(minutes=5))
    browser = api_of(MembershipFactory(tenant=acme, role="viewer"))
    assert len(browser.get(RESERVATIONS).json()["results"]) == 1
    assert reserve(browser, number=stock.e164).status_code == 403
    assert browser.delete(f"{RESERVATIONS}{held.pk}/").status_code == 403
    assert Reservation.objects.live(timezone.now()).count() == 1


@pytest.mark.parametrize("path", [STOCK, RESERVATIONS])
def test_a_stranger_gets_nothing(client, db, path):
    assert client.get(path).status_code == 401
