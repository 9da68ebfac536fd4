from __future__ import annotations

import uuid
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.callflows.graph import MAX_EDGES, MAX_NODES
from cliqtel_portal.errors import InvalidArguments, NotFound
from mcp_access.catalog.get_call_flow import get_call_flow
from mcp_access.tools.tool import Answer, Context
from tests.factories.call_flow_graphs import flow as graph_of
from tests.factories.call_flow_graphs import node, office_flow, play
from tests.factories.callflows import make_flow
from tests.factories.mcp_access import principal_of
from tests.factories.numbers import PhoneNumberFactory

pytestmark = pytest.mark.django_db

NUMBER = "+442079460001"


def answer(membership: Membership, **arguments: Any) -> Answer:
    return get_call_flow.handler(
        Context(principal=principal_of(membership), call_id=str(uuid.uuid4())),
        get_call_flow.parse(arguments),
    )


def call(membership: Membership, **arguments: Any) -> dict[str, Any]:
    return answer(membership, **arguments).result.model_dump(mode="json", exclude_none=True)


def test_the_graph_comes_as_it_is_stored(bob: Membership, settings: Settings) -> None:
    settings.OAUTH_ISSUER = "https://portal.example"
    flow = make_flow(bob.tenant, name="Reception", revisions=2)
    found = call(bob, call_flow_id=str(flow.pk))
    stored = office_flow()
    assert (found["status"], found["flow_status"]) == ("ok", "active")
    assert found["entry"] == stored["entry"]
    assert found["edges"] == stored["edges"]
    assert [each["id"] for each in found["nodes"]] == [each["id"] for each in stored["nodes"]]
    hours = found["nodes"][0]
    assert hours["config"] == stored["nodes"][0]["config"]
    assert found["revision"] == 2
    assert flow.active_revision is not None
    assert found["etag"] == flow.active_revision.etag
    assert found["lint"] == []
    assert found["mermaid"].startswith("flowchart LR")
    assert found["shortened"] == []
    assert found["portal_url"] == f"https://portal.example/callflows/{flow.pk}/"
    assert "number" not in found


def test_text_and_facts_say_how_much_there_is(bob: Membership) -> None:
    graph = graph_of("a", [play("a"), play("b")], "a next gone")
    flow = make_flow(bob.tenant, name="Sketch", status="draft", graph=graph)
    found = answer(bob, call_flow_id=str(flow.pk))
    assert found.text == "Sketch (draft, revision 1): 2 nodes, 2 errors, 1 warning."
    assert found.facts == {"nodes": 2, "revision": 1, "errors": 2, "warnings": 1}
    lint = found.result.model_dump(exclude_none=True)["lint"]
    assert [finding["severity"] for finding in lint] == ["error", "error", "warning"]


def test_a_number_leads_to_its_flow_and_is_echoed(bob: Membership) -> None:
    flow = make_flow(bob.tenant)
    PhoneNumberFactory(tenant=bob.tenant, e164=NUMBER, call_flow=flow)
    found = call(bob, number="+44 20 7946 0001")
    assert found["call_flow_id"] == str(flow.pk)
    assert found["number"] == NUMBER
    assert found["number_display"] == "+44 20 7946 0001"


@pytest.mark.parametrize(
    "arguments", [{}, {"number": NUMBER, "call_flow_id": str(uuid.UUID(int=7))}]
)
def test_exactly_one_way_to_name_a_flow_is_asked_for(
    bob: Membership, arguments: dict[str, str]
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        call(bob, **arguments)
    assert [problem.field for problem in caught.value.problems] == ["number", "call_flow_id"]


@pytest.mark.parametrize("number", ["020 7946 0001", "reception", "+", "+44", ""])
def test_a_number_without_country_code_is_refused_with_an_example(
    bob: Membership, number: str
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        call(bob, number=number)
    assert caught.value.problems[0].field == "number"
    assert "+31201234567" in caught.value.problems[0].message


def test_mallory_finds_neither_flow_nor_number(bob: Membership, mallory: Membership) -> None:
    flow = make_flow(bob.tenant, name="Secret line")
    PhoneNumberFactory(tenant=bob.tenant, e164=NUMBER, call_flow=flow)
    for arguments in (
        {"call_flow_id": str(flow.pk)},
        {"call_flow_id": str(uuid.uuid4())},
        {"number": NUMBER},
    ):
        with pytest.raises(NotFound) as caught:
            call(mallory, **arguments)
        assert "Secret" not in caught.value.message


def test_a_flow_costs_one_query(
    bob: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    PhoneNumberFactory(tenant=bob.tenant, e164=NUMBER, call_flow=make_flow(bob.tenant))
    context = Context(principal=principal_of(bob), call_id="1")
    with django_assert_num_queries(1):
        get_call_flow.handler(context, get_call_flow.parse({"number": NUMBER}))


def test_a_large_flow_loses_its_drawing_and_long_texts_first(
    bob: Membership, settings: Settings
) -> None:
    nodes = [node(f"n{index}", "play", prompt="x" * 900) for index in range(MAX_NODES)]
    paths = [f"n{index} next n{index + 1}" for index in range(MAX_NODES - 1)]
    flow = make_flow(bob.tenant, graph=graph_of("n0", nodes, *paths))
    found = answer(bob, call_flow_id=str(flow.pk)).result
    assert len(found.model_dump_json(exclude_none=True)) <= settings.MCP_MAX_RESULT_CHARS
    wire = found.model_dump(mode="json", exclude_none=True)
    assert "mermaid" not in wire
    assert len(wire["nodes"]) == MAX_NODES
    assert len(wire["edges"]) == MAX_NODES - 1
    assert wire["nodes"][0]["config"]["prompt"] == "x" * 119 + "…"
    assert [entry.partition(":")[0] for entry in wire["shortened"]] == ["mermaid", "config"]


def test_the_largest_flow_there_can_be_still_fits(bob: Membership, settings: Settings) -> None:
    ids = [f"{index:040}" for index in range(MAX_NODES)]
    nodes = [
        {
            "id": node_id,
            "type": "schedule",
            "title": f"{index}" + '"' * 70,
            "config": {
                "time_zone": "Europe/Amsterdam",
                "hours": [
                    {"days": ["mon", "tue"], "from": f"{hour:02}:00", "to": f"{hour:02}:30"}
                    for hour in range(24)
                ],
                "holidays": [
                    f"2026-{month:02}-{day:02}" for month in (1, 3) for day in range(1, 31)
                ],
            },
        }
        for index, node_id in enumerate(ids)
    ]
    edges = [
        {"id": f"{index:040}", "from": ids[index % MAX_NODES], "to": ids[0], "on": '"' * 40}
        for index in range(MAX_EDGES)
    ]
    flow = make_flow(bob.tenant, graph={"entry": ids[0], "nodes": nodes, "edges": edges})
    found = answer(bob, call_flow_id=str(flow.pk)).result
    assert len(found.model_dump_json(exclude_none=True)) <= settings.MCP_MAX_RESULT_CHARS
    cut = {entry.partition(":")[0] for entry in found.model_dump()["shortened"]}
    assert {"mermaid", "config", "lint", "edges"} <= cut
