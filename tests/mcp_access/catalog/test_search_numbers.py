from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments
from mcp_access.catalog.search_numbers import search_numbers
from mcp_access.tools.fields import encode_cursor
from mcp_access.tools.tool import Context
from tests.factories.mcp_access import principal_of
from tests.factories.numbers import ReservationFactory, StockNumberFactory
from tests.factories.pricing import PriceFactory
from tests.factories.regulatory import RequirementFactory, RequirementSetFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _prices(db: None) -> None:
    PriceFactory(country="NL", number_type="local", setup=Decimal("0.50"), monthly=Decimal("1.00"))


def call(membership: Membership, **arguments: Any) -> dict[str, Any]:
    answer = search_numbers.handler(
        Context(principal=principal_of(membership), call_id=str(uuid.uuid4())),
        search_numbers.parse(arguments),
    )
    content = answer.result.model_dump(mode="json", exclude_none=True)
    jsonschema.validate(content, search_numbers.output_schema)
    return {**content, "text": answer.text}


def test_a_hit_carries_price_offer_and_requirements(bob: Membership) -> None:
    rules = RequirementSetFactory(country="NL", number_type="local")
    RequirementFactory(requirement_set=rules, position=1, name="Register extract")
    RequirementFactory(requirement_set=rules, position=2, name="Local address")
    StockNumberFactory(
        e164="+31206660001", capabilities=["voice", "fax"], requires_documents=True, is_demo=True
    )
    found = call(bob, country="nl")
    (number,) = found["numbers"]
    assert uuid.UUID(number.pop("offer_id"))
    assert number.pop("offer_expires_at").endswith("Z")
    assert number == {
        "number": "+31206660001",
        "display": "+31 20 666 0001",
        "country": "NL",
        "type": "local",
        "area": "Amsterdam",
        "area_code": "20",
        "capabilities": ["voice", "fax"],
        "setup": {"amount": "0.50", "currency": "EUR"},
        "monthly": {"amount": "1.00", "currency": "EUR"},
        "requirements_summary": "2 needed: Register extract; Local address.",
        "reservable": True,
        "is_demo": True,
    }
    assert found["why_empty"] == []
    assert found["text"] == "Found 1 number in Netherlands."


def test_a_number_that_asks_for_nothing_says_so(bob: Membership) -> None:
    StockNumberFactory()
    assert call(bob, country="NL")["numbers"][0]["requirements_summary"] == "None."


def test_pages_go_on_with_the_cursor(bob: Membership) -> None:
    numbers = sorted(stock.e164 for stock in StockNumberFactory.create_batch(5))
    first = call(bob, country="NL", limit=3)
    assert first["text"] == "Found 3 numbers in Netherlands; more with next_cursor."
    second = call(bob, country="NL", limit=3, cursor=first["next_cursor"])
    assert "next_cursor" not in second
    assert [n["number"] for n in first["numbers"] + second["numbers"]] == numbers


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        encode_cursor("31", "20"),
        encode_cursor("9" * 30),
        encode_cursor("-1"),
        encode_cursor("٣١٢٠٦٦٦٠٠٠١"),
        encode_cursor("\ud800"),
    ],
)
def test_a_cursor_of_another_making_is_refused(bob: Membership, cursor: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        call(bob, country="NL", cursor=cursor)
    assert [problem.field for problem in caught.value.problems] == ["cursor"]


def test_blocks_are_numbered(bob: Membership) -> None:
    for ending in range(6):
        StockNumberFactory(e164=f"+3120666100{ending}")
    found = call(bob, country="NL", quantity=3, consecutive=True)
    assert [number["block"] for number in found["numbers"]] == [1, 1, 1, 2, 2, 2]
    assert found["text"] == "Found 6 numbers in Netherlands, 2 blocks of 3."


def test_fewer_than_asked_for_is_said(bob: Membership) -> None:
    StockNumberFactory()
    found = call(bob, country="NL", quantity=3)
    assert found["text"] == "Found 1 number in Netherlands, fewer than the 3 asked for."


def test_nothing_found_says_which_filter_to_relax(bob: Membership) -> None:
    StockNumberFactory.create_batch(2)
    found = call(bob, country="NL", max_monthly=0.99)
    assert found["numbers"] == []
    assert found["why_empty"] == [
        {
            "filter": "max_monthly",
            "count": 2,
            "hint": "Leave out max_monthly: then 2 numbers match.",
        }
    ]
    assert found["text"].startswith("Found no such number in Netherlands. Leave out max_monthly")


def test_the_price_limit_is_the_very_amount_that_was_written(bob: Membership) -> None:
    PriceFactory(country="GB", monthly=Decimal("1.10"))
    StockNumberFactory(e164="+442079460001", country="GB")
    assert len(call(bob, country="GB", max_monthly=1.1)["numbers"]) == 1


def test_mallory_neither_sees_the_offers_nor_what_others_hold(
    bob: Membership, mallory: Membership
) -> None:
    held = StockNumberFactory()
    StockNumberFactory()
    ReservationFactory(tenant=bob.tenant, stock_number=held)
    ours = {n["number"]: n for n in call(bob, country="NL")["numbers"]}
    assert ours[held.e164]["reservable"] is False
    theirs = call(mallory, country="NL")["numbers"]
    assert held.e164 not in {number["number"] for number in theirs}
    assert not {n["offer_id"] for n in theirs} & {n["offer_id"] for n in ours.values()}


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        ({}, ["country"]),
        ({"country": "XX"}, ["country"]),
        ({"country": "NL", "number_type": "premium", "limit": 0}, ["limit", "number_type"]),
        ({"country": "NL", "capabilities": ["telepathy"]}, ["capabilities.0"]),
        ({"country": "NL", "max_monthly": float("nan")}, ["max_monthly"]),
        ({"country": "NL", "contains": "\ud800"}, ["contains"]),
        ({"country": "NL", "contains": "%", "consecutive": True}, ["contains", "quantity"]),
        ({"country": "NL", "quantity": 101}, ["quantity"]),
    ],
)
def test_all_problems_are_named_at_once(
    bob: Membership, arguments: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        call(bob, **arguments)
    assert sorted(problem.field for problem in caught.value.problems) == fields


def test_it_takes_five_queries_and_stays_small_at_a_hundred_rows(
    bob: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rules = RequirementSetFactory(country="NL", number_type="local")
    for position in range(3):
        RequirementFactory(
            requirement_set=rules,
            position=position,
            name=f"Address in the area of code {position}",
        )
    StockNumberFactory.create_batch(
        100,
        area="Brussels (Bruxelles, Brussel)",
        capabilities=["voice", "sms", "mms", "whatsapp", "fax"],
        requires_documents=True,
        is_demo=True,
    )
    context = Context(principal=principal_of(bob), call_id="1")
    arguments = search_numbers.parse({"country": "NL", "limit": 100})
    with django_assert_num_queries(5):
        answer = search_numbers.handler(context, arguments)
    content = answer.result.model_dump(mode="json", exclude_none=True)
    assert len(content["numbers"]) == 100
    assert len(json.dumps(content)) < 80_000
