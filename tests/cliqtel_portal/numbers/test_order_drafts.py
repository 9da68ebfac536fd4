from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from cliqtel_portal.errors import InvalidArguments, NotFound
from cliqtel_portal.numbers.errors import HoldLimitReached, NumberUnavailable
from cliqtel_portal.numbers.models import Reservation
from cliqtel_portal.numbers.order_models import NumberOrder
from cliqtel_portal.numbers.services.order_drafts import draft_order
from cliqtel_portal.numbers.services.reservations import reserve_number
from tests.factories.billing import LedgerEntryFactory
from tests.factories.numbers import (
    OfferFactory,
    PhoneNumberFactory,
    ReservationFactory,
    StockNumberFactory,
)
from tests.factories.orders import make_order
from tests.factories.pricing import PriceFactory
from tests.factories.regulatory import (
    DocumentFactory,
    RequirementFactory,
    RequirementSetFactory,
)
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.usefixtures("price")


@pytest.fixture
def price(db):
    return PriceFactory()


@pytest.fixture
def now():
    return timezone.now()


def draft(member, *stock, **options):
    numbers = [number.e164 for number in stock]
    return draft_order(member.tenant, user=member.user, **{"numbers": numbers, **options})


def problems_of(caught):
    return [(problem.field, problem.message) for problem in caught.value.problems]


def test_a_draft_holds_its_numbers_at_the_price_of_the_list(alice, now):
    first, second = StockNumberFactory(), StockNumberFactory()
    drafted = draft(alice, second, first, now=now)
    order = NumberOrder.objects.get()
    assert drafted.order == order
    assert (order.tenant, order.requested_by, order.state) == (alice.tenant, alice.user, "draft")
    assert [line.e164 for line in order.lines.order_by("position")] == [second.e164, first.e164]
    assert (drafted.price.once, drafted.price.monthly) == (Decimal("3.00"), Decimal("4.00"))
    assert drafted.held_until == order.hold_until == now + timedelta(hours=24)
    holds = Reservation.objects.for_tenant(alice.tenant).live(now)
    assert {hold.stock_number for hold in holds} == {first, second}
    assert {(hold.order, hold.expires_at) for hold in holds} == {(order, order.hold_until)}


def test_it_holds_no_longer_than_a_day(alice, now):
    drafted = draft(alice, StockNumberFactory(), hold_seconds=7 * 86400, now=now)
    assert drafted.held_until == now + timedelta(hours=24)
    drafted = draft(alice, StockNumberFactory(), hold_seconds=600, now=now)
    assert drafted.held_until == now + timedelta(minutes=10)


def test_a_promised_price_counts_while_it_lasts(alice, mallory, now):
    stock = StockNumberFactory()
    promised = {"stock_number": stock, "monthly_price": Decimal("0.50")}
    OfferFactory(tenant=mallory.tenant, **{**promised, "monthly_price": Decimal("0.10")})
    OfferFactory(tenant=alice.tenant, **promised)
    assert draft(alice, stock, dry_run=True, now=now).price.monthly == Decimal("0.50")
    later = now + timedelta(minutes=16)
    assert draft(alice, stock, dry_run=True, now=later).price.monthly == Decimal("2.00")


def test_offers_are_ordered_by_their_id(alice):
    offers = [OfferFactory(tenant=alice.tenant) for _ in range(2)]
    drafted = draft(alice, offer_ids=[offer.pk for offer in offers])
    assert [line.e164 for line in drafted.lines] == [o.stock_number.e164 for o in offers]


def test_offers_that_ran_out_or_are_of_others_are_told_all_at_once(alice, mallory, now):
    old = OfferFactory(tenant=alice.tenant, expires_at=now)
    foreign = OfferFactory(tenant=mallory.tenant)
    good = OfferFactory(tenant=alice.tenant)
    with pytest.raises(NumberUnavailable, match="3 of 4") as caught:
        draft(alice, offer_ids=[old.pk, foreign.pk, good.pk, uuid.uuid4()], now=now)
    assert [field for field, _ in problems_of(caught)] == [
        "offer_ids.0",
        "offer_ids.1",
        "offer_ids.3",
    ]
    assert not NumberOrder.objects.exists()


def test_two_offers_of_one_number_are_one_too_many(alice):
    stock = StockNumberFactory()
    offers = [
        OfferFactory(tenant=alice.tenant, stock_number=stock, monthly_price=price)
        for price in (1, 2)
    ]
    with pytest.raises(InvalidArguments) as caught:
        draft(alice, offer_ids=[offer.pk for offer in offers])
    assert [field for field, _ in problems_of(caught)] == ["offer_ids.1"]


def test_every_number_that_cannot_be_had_is_told_with_its_reason(alice, mallory, now):
    sold, withheld = StockNumberFactory(status="sold"), StockNumberFactory(status="reserved")
    held = ReservationFactory(tenant=mallory.tenant).stock_number
    drafted = make_order(alice).lines.get().stock_number
    unpriced, good = StockNumberFactory(number_type="mobile"), StockNumberFactory()
    own = StockNumberFactory(status="sold")
    PhoneNumberFactory(tenant=alice.tenant, e164=own.e164)
    numbers = [sold, withheld, held, drafted, unpriced, good, own]
    with pytest.raises(NumberUnavailable) as caught:
        draft(alice, numbers=[*[number.e164 for number in numbers], "+31209998877"], now=now)
    told = dict(problems_of(caught))
    words = ["is sold", "withheld", "somebody else", "another drafted order", "no price"]
    assert [word in told[f"numbers.{index}"] for index, word in enumerate(words)] == [True] * 5
    assert "belongs to this account already" in told["numbers.6"]
    assert "not for sale" in told["numbers.7"]
    assert "numbers.5" not in told
    assert "malice" not in str(told).lower()
    assert NumberOrder.objects.count() == 1


def test_all_wrong_arguments_are_told_at_once(alice):
    number = StockNumberFactory().e164
    with pytest.raises(InvalidArguments) as caught:
        draft(alice, numbers=[number, number, "020 123"], offer_ids=[uuid.uuid4()])
    assert [field for field, _ in problems_of(caught)] == ["numbers", "numbers.1", "numbers.2"]
    with pytest.raises(InvalidArguments, match="not clear"):
        draft(alice)
    with pytest.raises(InvalidArguments, match="not clear"):
        draft(alice, offer_ids=[uuid.uuid4() for _ in range(51)], numbers=[])
    assert not NumberOrder.objects.exists()


def test_an_order_leads_to_a_trunk_of_the_tenant_only(alice, mallory):
    own, foreign = TrunkFactory(tenant=alice.tenant), TrunkFactory(tenant=mallory.tenant)
    with pytest.raises(NotFound):
        draft(alice, StockNumberFactory(), trunk_id=foreign.pk)
    drafted = draft(alice, StockNumberFactory(), trunk_id=own.pk)
    assert (drafted.order.trunk, drafted.trunk_name) == (own, own.name)


def test_prices_in_two_currencies_are_two_orders(alice):
    PriceFactory(country="US", currency="USD")
    dollars = OfferFactory(tenant=alice.tenant, currency="USD").stock_number
    with pytest.raises(InvalidArguments, match="EUR and USD"):
        draft(alice, dollars, StockNumberFactory())


def test_what_was_reserved_is_carried_over_and_counts_once(alice, now):
    stock = StockNumberFactory()
    held = reserve_number(alice.tenant, e164=stock.e164, now=now)
    drafted = draft(alice, stock, now=now)
    held.refresh_from_db()
    assert (held.order, held.expires_at) == (drafted.order, drafted.held_until)
    assert Reservation.objects.count() == 1


def test_fifty_held_numbers_are_the_most(alice, mallory, now, settings):
    settings.NUMBER_ORDER_HELD_MAX = 2
    make_order(mallory)
    ReservationFactory(tenant=alice.tenant)
    draft(alice, StockNumberFactory(), now=now)
    with pytest.raises(HoldLimitReached, match="over 2"):
        draft(alice, StockNumberFactory(), StockNumberFactory(), now=now)
    draft(alice, StockNumberFactory(), now=now)
    assert NumberOrder.objects.for_tenant(alice.tenant).count() == 2


def test_missing_papers_and_money_are_told_and_do_not_prevent_a_draft(alice):
    rules = RequirementSetFactory()
    RequirementFactory(requirement_set=rules, code="identity", name="Identity")
    shown = RequirementFactory(requirement_set=rules, code="extract", name="Extract")
    DocumentFactory(tenant=alice.tenant, approved=True, requirement_code=shown.code)
    drafted = draft(alice, StockNumberFactory(requires_documents=True), StockNumberFactory())
    assert drafted.order is not None
    assert [(check.name, check.ok) for check in drafted.checks] == [
        ("stock", True),
        ("requirements", False),
        ("balance", False),
    ]
    assert [problem.field for problem in drafted.problems] == ["requirements", "balance"]
    assert "Netherlands, local: Identity." in drafted.problems[0].message
    LedgerEntryFactory(tenant=alice.tenant, amount=Decimal("7.00"))
    DocumentFactory(tenant=alice.tenant, approved=True, requirement_code="identity")
    drafted = draft(alice, StockNumberFactory(requires_documents=True), StockNumberFactory())
    assert (drafted.problems, all(check.ok for check in drafted.checks)) == ((), True)


def test_a_dry_run_looks_at_everything_and_writes_nothing(alice, now):
    stock = StockNumberFactory()
    drafted = draft(alice, stock, dry_run=True, now=now)
    assert (drafted.order, len(drafted.lines), len(drafted.checks)) == (None, 1, 3)
    assert not NumberOrder.objects.exists()
    assert not Reservation.objects.exists()
    with pytest.raises(NumberUnavailable):
        draft(alice, StockNumberFactory(status="sold"), dry_run=True)


def test_the_number_of_queries_does_not_grow_with_the_numbers(alice, django_assert_max_num_queries):
    stock = [StockNumberFactory() for _ in range(12)]
    with django_assert_max_num_queries(24):
        draft(alice, *stock)
