from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings

from cliqtel_portal.callflows.graph import parse
from cliqtel_portal.callflows.lint import LintFinding, lint
from tests.factories.call_flow_graphs import (
    Flow,
    flow,
    flows,
    node,
    office_flow,
    play,
    wired_flows,
)


def findings(data: Flow) -> tuple[LintFinding, ...]:
    return lint(parse(data, strict=False))


def codes(data: Flow) -> list[str]:
    return [finding.code for finding in findings(data)]


def only(data: Flow) -> LintFinding:
    (finding,) = findings(data)
    return finding


def without_edge(data: Flow, edge_id: str) -> Flow:
    return data | {"edges": [edge for edge in data["edges"] if edge["id"] != edge_id]}


def ring(node_id: str) -> Flow:
    return node(node_id, "ring_group", endpoints=["101"])


BYE = node("bye", "hangup", "Goodbye")


def test_a_sound_flow_has_no_findings() -> None:
    assert findings(office_flow()) == ()


@pytest.mark.parametrize("entry", [None, "gone"])
def test_missing_entry(entry: str | None) -> None:
    finding = only(office_flow() | {"entry": entry})
    assert (finding.code, finding.severity) == ("missing_entry", "error")


def test_an_empty_flow_has_no_entry() -> None:
    assert codes(flow(None, [])) == ["missing_entry"]


def test_an_edge_to_nowhere_dangles() -> None:
    finding = only(flow("a", [play("a", "Welcome")], "a next nowhere"))
    assert (finding.code, finding.severity) == ("dangling_edge", "error")
    assert (finding.node_id, finding.edge_id) == ("a", "e0")
    assert "“Welcome”" in finding.message
    assert "“nowhere”" in finding.message


def test_an_edge_from_nowhere_dangles() -> None:
    finding = only(flow("bye", [BYE], "lost next bye"))
    assert (finding.code, finding.node_id) == ("dangling_edge", "bye")


def test_a_node_that_no_call_reaches() -> None:
    finding = only(flow("bye", [BYE, node("b", "hangup", "Busy tone")]))
    assert (finding.code, finding.severity, finding.node_id) == ("unreachable_node", "warning", "b")
    assert "“Busy tone”" in finding.message


def test_an_edge_that_no_call_can_take_reaches_nothing() -> None:
    found = findings(flow("a", [play("a"), BYE], "a next a", "a bogus bye"))
    assert ("unreachable_node", "bye") in {(each.code, each.node_id) for each in found}
    assert "loop_without_exit" in {each.code for each in found}


def test_a_required_outcome_without_an_edge() -> None:
    finding = only(without_edge(office_flow(), "e5"))
    assert (finding.code, finding.severity) == ("missing_fallback", "error")
    assert finding.node_id == "menu"
    assert "“Main menu” leads nowhere on “no_input”" in finding.message


def test_a_case_of_a_condition_is_required_too() -> None:
    by_country = node("a", "condition", field="caller_country", cases=["NL", "BE"])
    found = findings(flow("a", [by_country, BYE], "a NL bye"))
    assert [each.code for each in found] == ["missing_fallback"] * 2
    assert "“BE”" in found[0].message
    assert "“default”" in found[1].message


def test_an_outcome_that_is_only_advised_is_a_warning() -> None:
    found = findings(flow("a", [node("a", "forward", to="+31612345678")]))
    assert {(each.code, each.severity) for each in found} == {("missing_fallback", "warning")}
    assert len(found) == 2


def test_a_menu_offers_a_key() -> None:
    data = without_edge(without_edge(office_flow(), "e3"), "e4")
    assert ("missing_choice", "menu") in {(each.code, each.node_id) for each in findings(data)}


def test_two_edges_for_one_outcome() -> None:
    data = office_flow()
    data["edges"].append({"id": "e99", "from": "menu", "to": "support", "on": "1"})
    finding = only(data)
    assert (finding.code, finding.severity) == ("duplicate_outcome", "error")
    assert (finding.node_id, finding.edge_id) == ("menu", "e99")


def test_an_outcome_that_the_type_does_not_have() -> None:
    data = office_flow()
    data["edges"].append({"id": "e99", "from": "closed", "to": "mailbox", "on": "no_answer"})
    finding = only(data)
    assert (finding.code, finding.severity) == ("unknown_outcome", "error")
    assert (finding.node_id, finding.edge_id) == ("closed", "e99")
    assert "next" in finding.message


def test_an_edge_that_leaves_the_end_of_a_call() -> None:
    data = office_flow()
    data["edges"].append({"id": "e99", "from": "mailbox", "to": "menu", "on": "next"})
    finding = only(data)
    assert (finding.code, finding.severity) == ("terminal_with_edges", "error")
    assert (finding.node_id, finding.edge_id) == ("mailbox", "e99")


def test_a_loop_without_exit() -> None:
    nodes = [play("a", "Hello"), play("b", "Again"), play("c", "And again")]
    finding = only(flow("a", nodes, "a next b", "b next c", "c next b"))
    assert (finding.code, finding.severity, finding.node_id) == ("loop_without_exit", "error", "b")
    assert "“Again”, “And again”" in finding.message
    assert "“Hello”" not in finding.message


def test_a_node_that_leads_to_itself_is_a_loop() -> None:
    assert codes(flow("a", [play("a")], "a next a")) == ["loop_without_exit"]


def test_each_loop_is_named_once() -> None:
    nodes = [node("m", "menu", prompt="?"), play("a"), play("b")]
    found = codes(flow("m", nodes, "m 1 a", "m no_input b", "a next a", "b next b"))
    assert found == ["loop_without_exit", "loop_without_exit"]


def test_a_loop_with_a_way_out_is_fine() -> None:
    nodes = [node("m", "menu", prompt="?"), BYE]
    assert codes(flow("m", nodes, "m no_input m", "m 1 bye")) == []


def test_a_loop_in_which_somebody_may_answer_is_a_warning() -> None:
    nodes = [node("q", "queue", "Waiting", max_wait_seconds=60), play("p", "Please wait")]
    finding = only(flow("q", nodes, "q timeout p", "p next q"))
    assert (finding.code, finding.severity) == ("loop_until_answered", "warning")


def test_a_trunk_without_a_fallback_is_an_exit() -> None:
    trunk = node("t", "trunk", trunk_id="0190a6f0-1111-7222-8333-444455556666")
    nodes = [node("m", "menu", prompt="?"), trunk]
    finding = only(flow("m", nodes, "m no_input m", "m 1 t"))
    assert (finding.code, finding.node_id) == ("missing_fallback", "t")


def test_a_ring_group_that_leads_back_is_no_exit() -> None:
    nodes = [node("m", "menu", prompt="?"), ring("r")]
    assert codes(flow("m", nodes, "m no_input m", "m 1 r", "r no_answer m")) == [
        "loop_until_answered"
    ]


def test_opening_hours_that_overlap() -> None:
    data = office_flow()
    data["nodes"][0]["config"]["hours"].append(
        {"days": ["thu", "fri", "sat"], "from": "16:30", "to": "20:00"}
    )
    finding = only(data)
    assert (finding.code, finding.severity) == ("overlapping_hours", "warning")
    assert "overlap on Thu, Fri:" in finding.message


@pytest.mark.parametrize(("opens", "closes"), [("17:00", "20:00"), ("07:00", "09:00")])
def test_ranges_that_touch_do_not_overlap(opens: str, closes: str) -> None:
    data = office_flow()
    data["nodes"][0]["config"]["hours"].append({"days": ["fri"], "from": opens, "to": closes})
    assert findings(data) == ()


def test_titles_that_people_cannot_tell_apart() -> None:
    data = office_flow()
    data["nodes"][4]["title"] = "office VOICEMAIL"
    finding = only(data)
    assert (finding.code, finding.severity, finding.node_id) == (
        "duplicate_title",
        "warning",
        "mailbox",
    )


def test_errors_come_before_warnings() -> None:
    found = findings(flow("z", [node("a", "hangup"), play("z")]))
    assert [each.severity for each in found] == ["error", "warning"]


@given(flows())
@settings(deadline=None, max_examples=60)
def test_order_makes_no_difference(data: dict[str, Any]) -> None:
    shuffled = {**data, "nodes": data["nodes"][:], "edges": data["edges"][:]}
    random.Random(7).shuffle(shuffled["nodes"])
    random.Random(7).shuffle(shuffled["edges"])
    assert findings(shuffled) == findings(data)


@given(wired_flows())
@settings(deadline=None, max_examples=100)
def test_a_loop_is_found_exactly_where_some_node_never_comes_to_an_end(
    data: dict[str, Any],
) -> None:
    graph = parse(data)
    ending = {each.id for each in graph.nodes if each.kind.is_terminal}
    for _ in graph.nodes:
        ending |= {edge.source for edge in graph.edges if edge.target in ending}
    found = {each.code for each in lint(graph)}
    loops = found & {"loop_without_exit", "loop_until_answered"}
    assert bool(loops) == (len(ending) < len(graph.nodes))
    assert found <= {"loop_without_exit", "loop_until_answered", "unreachable_node"}


def test_the_largest_flow_is_one_loop_and_one_finding() -> None:
    nodes = [node(f"n{index}", "menu", prompt="?") for index in range(200)]
    paths = [
        f"n{index} {on} n{(index + step) % 200}"
        for index in range(200)
        for on, step in (("1", 1), ("2", 3), ("no_input", 7))
    ]
    assert codes(flow("n0", nodes, *paths)) == ["loop_without_exit"]
