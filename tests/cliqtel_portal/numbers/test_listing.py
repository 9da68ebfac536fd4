"""Orders of the list of numbers, and pages through each of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from cliqtel_portal.numbers import listing
from cliqtel_portal.numbers.listing import Sort, read_page
from cliqtel_portal.numbers.models import PhoneNumber
from tests.factories.numbers import PhoneNumberFactory

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
# Status, price, days to its renewal; many alike, so that the number has to decide.
MADE = [
    ("active", "2.50", 3),
    ("disabled", "1", None),
    ("active", "1", 1),
    ("active", "1", None),
    ("porting", "12.345678", 1),
    ("active", "0", 2),
    ("disabled", "2.50", None),
]


@pytest.fixture
def numbers(acme, monkeypatch):
    monkeypatch.setattr(listing, "_PER_PAGE", 2)
    return [
        PhoneNumberFactory(
            tenant=acme,
            e164=f"+3120555000{position}",
            status=status,
            monthly_price=Decimal(price),
            renews_at=None if days is None else START + timedelta(days=days),
        )
        for position, (status, price, days) in enumerate(MADE)
    ]


def places(page: listing.Page) -> list[int]:
    return [int(row.number.e164[-1]) for row in page.rows]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("number", [0, 1, 2, 3, 4, 5, 6]),
        ("status", [0, 2, 3, 5, 1, 6, 4]),
        ("monthly", [5, 1, 2, 3, 0, 6, 4]),
        ("renews", [2, 4, 5, 0, 1, 3, 6]),
    ],
)
@pytest.mark.parametrize("is_falling", [False, True])
def test_each_order_goes_forth_and_back_without_gap_or_repetition(
    acme, numbers, sort, order, is_falling
):
    found = PhoneNumber.objects.for_tenant(acme)
    wanted = order[::-1] if is_falling else order
    by = Sort.of(f"-{sort}" if is_falling else sort)
    page = read_page(found, by)
    assert page.before == ""
    forth = places(page)
    while page.after:
        page = read_page(found, by, after=page.after)
        forth += places(page)
    assert forth == wanted
    back = places(page)
    while page.before:
        page = read_page(found, by, before=page.before)
        back = places(page) + back
    assert back == wanted


def test_a_cursor_of_another_order_shows_the_first_page(acme, numbers):
    found = PhoneNumber.objects.for_tenant(acme)
    place = f"{numbers[3].e164}.{numbers[3].pk}"
    for sort, cursor in [
        ("status", place),
        ("number", f"active_{place}"),
        ("status", f"lost_{place}"),
        ("monthly", f"1.5.5_{place}"),
        ("renews", f"{'9' * 24}_{place}"),
        ("renews", f"soon_{place}"),
    ]:
        by = Sort.of(sort)
        assert places(read_page(found, by, after=cursor)) == places(read_page(found, by))


def test_the_page_says_how_it_is_sorted_and_keeps_that_when_filtered(bob, numbers):
    client = Client()
    client.force_login(bob.user)
    page = client.get("/numbers/", {"sort": "-monthly", "status": "active"}).content.decode()
    assert page.count("aria-sort") == 1
    assert 'aria-sort="descending"' in page
    assert '<input type="hidden" name="sort" value="-monthly">' in page
    assert 'href="?sort=monthly&amp;status=active"' in page
    assert page.index("+31205550000") < page.index("+31205550003"), "dearest first"
    page = client.get("/numbers/", {"sort": "tenant__slug"}).content.decode()
    assert 'aria-sort="ascending"' in page
    assert 'name="sort"' not in page
