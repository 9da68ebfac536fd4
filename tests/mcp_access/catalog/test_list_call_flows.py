from __future__ import annotations

import uuid
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments
from mcp_access.catalog.list_call_flows import list_call_flows
from mcp_access.tools.fields import encode_cursor
from mcp_access.tools.tool import Context
from tests.factories.callflows import ChangeFactory, make_flow
from tests.factories.mcp_access import principal_of
from tests.factories.numbers import PhoneNumberFactory

pytestmark = pytest.mark.django_db

LONDON = "+44207946{:04}"


def call(membership: Membership, **arguments: Any) -> dict[str, Any]:
    answer = list_call_flows.handler(
        Context(principal=principal_of(membership), call_id=str(uuid.uuid4())),
        list_call_flows.parse(arguments),
    )
    return {**answer.result.model_dump(mode="json", exclude_none=True), "text": answer.text}


def test_each_number_says_what_happens_to_its_calls(bob: Membership) -> None:
    flow = make_flow(bob.tenant, name="Reception", revisions=2)
    change = ChangeFactory(base_revision=flow.active_revision)
    PhoneNumberFactory(tenant=bob.tenant, e164=LONDON.format(1), call_flow=flow)
    PhoneNumberFactory(tenant=bob.tenant, e164=LONDON.format(2))
    found = call(bob)
    assert found["status"] == "ok"
    assert found["numbers"] == [
        {
            "number": "+442079460001",
            "display": "+44 20 7946 0001",
            "status": "active",
            "call_flow_id": str(flow.pk),
            "name": "Reception",
            "revision": 2,
            "pending_change_id": str(change.pk),
            "updated_at": flow.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        {"number": "+442079460002", "display": "+44 20 7946 0002", "status": "none"},
    ]
    assert found["without_numbers"] == []
    assert "next_cursor" not in found
    assert found["text"] == "2 numbers."


def test_flows_without_a_number_are_named_too(bob: Membership) -> None:
    flow = make_flow(bob.tenant, name="Sketch", status="draft")
    found = call(bob, status="draft")
    assert found["numbers"] == []
    assert [(each["name"], each["status"]) for each in found["without_numbers"]] == [
        ("Sketch", "draft")
    ]
    assert found["without_numbers"][0]["call_flow_id"] == str(flow.pk)
    assert found["text"] == "0 numbers; 1 flow without a number."


def test_the_cursor_leads_through_all_numbers(bob: Membership) -> None:
    for index in range(5):
        PhoneNumberFactory(tenant=bob.tenant, e164=LONDON.format(index))
    first = call(bob, limit=3)
    second = call(bob, limit=3, cursor=first["next_cursor"])
    assert [row["number"] for row in [*first["numbers"], *second["numbers"]]] == [
        LONDON.format(index) for index in range(5)
    ]
    assert "next_cursor" not in second


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"cursor": "!"}, "cursor"),
        ({"cursor": "WzFd"}, "cursor"),
        ({"cursor": encode_cursor("NL")}, "cursor"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"status": "archived"}, "status"),
        ({"number": LONDON.format(1)}, "number"),
    ],
)
def test_wrong_arguments_are_refused_by_name(
    bob: Membership, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        call(bob, **arguments)
    assert [problem.field for problem in caught.value.problems] == [field]


def test_mallory_sees_no_number_and_no_flow_of_acme(bob: Membership, mallory: Membership) -> None:
    PhoneNumberFactory(tenant=bob.tenant, e164=LONDON.format(1), call_flow=make_flow(bob.tenant))
    make_flow(bob.tenant, name="Idle")
    found = call(mallory)
    assert (found["numbers"], found["without_numbers"]) == ([], [])


def test_the_largest_page_fits_and_costs_two_queries(
    bob: Membership, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for index in range(101):
        flow = make_flow(bob.tenant, name=f"{index:03}" + '"' * 77)
        ChangeFactory(base_revision=flow.active_revision)
        PhoneNumberFactory(tenant=bob.tenant, e164=LONDON.format(index), call_flow=flow)
    for index in range(60):
        make_flow(bob.tenant, name=f"idle {index:02}" + '"' * 70)
    context = Context(principal=principal_of(bob), call_id="1")
    arguments = list_call_flows.parse({"limit": 100})
    with django_assert_num_queries(2):
        answer = list_call_flows.handler(context, arguments)
    size = len(answer.result.model_dump_json(exclude_none=True))
    assert 30_000 < size <= settings.MCP_MAX_RESULT_CHARS
