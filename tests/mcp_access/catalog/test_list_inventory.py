from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound
from mcp_access.catalog.list_inventory import list_inventory
from mcp_access.tools.fields import encode_cursor
from mcp_access.tools.tool import Context
from tests.factories.callflows import CallFlowFactory
from tests.factories.mcp_access import principal_of
from tests.factories.numbers import EmergencyAddressFactory, PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db


def call(membership: Membership, **arguments: Any) -> dict[str, Any]:
    answer = list_inventory.handler(
        Context(principal=principal_of(membership), call_id=str(uuid.uuid4())),
        list_inventory.parse(arguments),
    )
    content = answer.result.model_dump(mode="json", exclude_none=True)
    jsonschema.validate(content, list_inventory.output_schema)
    return {**content, "text": answer.text}


def test_a_number_tells_all_of_its_state(bob: Membership) -> None:
    flow = CallFlowFactory(tenant=bob.tenant, name="Reception", status="draft")
    number = PhoneNumberFactory(
        tenant=bob.tenant,
        e164="+31205550001",
        call_flow=flow,
        tags=["main"],
        renews_at=datetime(2090, 1, 31, tzinfo=UTC),
        emergency_state="pending",
        emergency_address=EmergencyAddressFactory(tenant=bob.tenant),
        is_demo=True,
    )
    found = call(bob)
    assert found["numbers"] == [
        {
            "id": str(number.pk),
            "number": "+31205550001",
            "display": "+31 20 555 0001",
            "country": "NL",
            "type": "local",
            "area": "Amsterdam",
            "status": "active",
            "capabilities": ["voice"],
            "assigned_to": {"kind": "call_flow", "id": str(flow.pk), "name": "Reception"},
            "flow_state": "draft",
            "monthly": {"amount": "1.00", "currency": "EUR"},
            "renews_at": "2090-01-31T00:00:00Z",
            "emergency_address_set": True,
            "emergency_state": "pending",
            "tags": ["main"],
            "is_demo": True,
        }
    ]
    assert found["trunks"] == found["assignments"] == found["counts"] == []
    assert found["text"] == "1 number."


def test_assignments_are_numbers_that_lead_somewhere(bob: Membership) -> None:
    trunk = TrunkFactory(tenant=bob.tenant, name="HQ")
    PhoneNumberFactory(tenant=bob.tenant)
    PhoneNumberFactory(tenant=bob.tenant, e164="+31205559999", trunk=trunk)
    found = call(bob, kind="assignments")
    assert found["numbers"] == []
    assert found["assignments"] == [
        {
            "number": "+31205559999",
            "display": "+31 20 555 9999",
            "assigned_to": {"kind": "trunk", "id": str(trunk.pk), "name": "HQ"},
        }
    ]
    assert call(bob, kind="assignments", counts_only=True)["total"] == 1


def test_trunks_show_their_registration(bob: Membership) -> None:
    trunk = TrunkFactory(tenant=bob.tenant, name="HQ", registered=True)
    PhoneNumberFactory(tenant=bob.tenant, trunk=trunk)
    TrunkFactory(tenant=bob.tenant, name="London")
    found = call(bob, kind="trunks", status="registered")
    assert found["trunks"] == [
        {
            "id": str(trunk.pk),
            "name": "HQ",
            "status": "active",
            "registration_state": "registered",
            "numbers": 1,
        }
    ]
    counts = call(bob, kind="trunks", counts_only=True)
    assert counts["counts"] == [
        {"status": "never", "count": 1},
        {"status": "registered", "count": 1},
    ]


def test_counts_come_by_country_and_status_without_rows(bob: Membership) -> None:
    PhoneNumberFactory.create_batch(2, tenant=bob.tenant)
    PhoneNumberFactory(tenant=bob.tenant, country="GB", e164="+442079460001", status="porting")
    found = call(bob, counts_only=True)
    assert found["numbers"] == []
    assert found["counts"] == [
        {"country": "GB", "status": "porting", "count": 1},
        {"country": "NL", "status": "active", "count": 2},
    ]
    assert found["total"] == 3
    assert found["text"] == "3 numbers."


@pytest.mark.parametrize("kind", ["numbers", "assignments", "trunks"])
def test_pages_go_on_with_the_cursor(bob: Membership, kind: str) -> None:
    for _ in range(3):
        PhoneNumberFactory(tenant=bob.tenant, trunk=TrunkFactory(tenant=bob.tenant))
    first = call(bob, kind=kind, limit=2)
    assert first["text"].endswith("; more with next_cursor.")
    second = call(bob, kind=kind, limit=2, cursor=first["next_cursor"])
    assert "next_cursor" not in second
    rows = [json.dumps(row) for row in first[kind] + second[kind]]
    assert len(rows) == len(set(rows)) == 3


AN_ID = "01a1fc4e-fc92-70f3-b280-fe942a7f1a39"  # one for all: xdist's workers compare test names


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        encode_cursor("trunks", "HQ", AN_ID),
        encode_cursor("numbers", "+31205550001", "no-id"),
        encode_cursor("numbers", "\ud800", AN_ID),
    ],
)
def test_a_cursor_of_another_making_is_refused(bob: Membership, cursor: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        call(bob, cursor=cursor)
    assert [problem.field for problem in caught.value.problems] == ["cursor"]


def test_mallory_sees_nothing_of_bobs(bob: Membership, mallory: Membership) -> None:
    trunk = TrunkFactory(tenant=bob.tenant)
    PhoneNumberFactory(tenant=bob.tenant, trunk=trunk)
    for kind in ("numbers", "assignments", "trunks"):
        assert call(mallory, kind=kind)[kind] == []
        assert call(mallory, kind=kind, counts_only=True)["total"] == 0
        assert len(call(bob, kind=kind, trunk_id=str(trunk.pk))[kind]) == 1
        for counts_only in (False, True):
            with pytest.raises(NotFound):
                call(mallory, kind=kind, trunk_id=str(trunk.pk), counts_only=counts_only)


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        ({"kind": "trunks", "country": "NL", "tag": "x", "status": "active"}, "country status tag"),
        ({"status": "registered"}, "status"),
        ({"trunk_id": "HQ", "limit": 101}, "limit trunk_id"),
        ({"contains": "%"}, "contains"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_what_does_not_fit_is_refused(
    bob: Membership, arguments: dict[str, Any], fields: str
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        call(bob, **arguments)
    assert sorted(problem.field for problem in caught.value.problems) == fields.split()


def test_it_takes_one_query_and_stays_small_at_a_hundred_rows(
    bob: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    PhoneNumberFactory.create_batch(
        100,
        tenant=bob.tenant,
        trunk=TrunkFactory(tenant=bob.tenant, name="A trunk with quite a long name of its own"),
        capabilities=["voice", "sms", "mms", "whatsapp", "fax"],
        tags=["amsterdam", "ddi", "campaign-2026"],
        renews_at=datetime(2090, 1, 31, tzinfo=UTC),
        is_demo=True,
    )
    context = Context(principal=principal_of(bob), call_id="1")
    arguments = list_inventory.parse({"limit": 100})
    with django_assert_num_queries(1):
        answer = list_inventory.handler(context, arguments)
    content = answer.result.model_dump(mode="json", exclude_none=True)
    assert len(content["numbers"]) == 100
    assert len(json.dumps(content)) < 80_000
