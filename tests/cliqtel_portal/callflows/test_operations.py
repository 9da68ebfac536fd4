from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cliqtel_portal.callflows.graph import Graph, GraphError, etag, parse
from cliqtel_portal.callflows.operations import apply_operations
from cliqtel_portal.errors import Problem
from tests.factories.call_flow_graphs import flow, json_values, office_flow, play


def office() -> Graph:
    return parse(office_flow())


def add_play(node_id: str) -> dict[str, Any]:
    return {"op": "add_node", **play(node_id)}


def add_edge(edge_id: str, source: str, on: str, target: str) -> dict[str, Any]:
    return {"op": "add_edge", "id": edge_id, "from": source, "to": target, "on": on}


def problems_of(graph: Graph, *operations: object) -> dict[str, str]:
    with pytest.raises(GraphError) as caught:
        apply_operations(graph, operations)
    return {problem.field: problem.message for problem in caught.value.problems}


def test_the_given_graph_stays_as_it_is() -> None:
    graph = office()
    changed = apply_operations(graph, [{"op": "remove_node", "id": "support"}])
    assert etag(graph) == etag(office())
    assert etag(changed) != etag(graph)


def test_a_node_goes_with_all_its_edges() -> None:
    changed = apply_operations(office(), [{"op": "remove_node", "id": "sales"}])
    assert "sales" not in changed.by_id
    assert {edge.id for edge in office().edges} - {edge.id for edge in changed.edges} == {
        "e3",
        "e6",
    }


def test_an_edge_may_come_before_the_node_it_leads_to() -> None:
    changed = apply_operations(
        office(), [add_edge("e9", "hours", "holiday", "party"), add_play("party")]
    )
    assert changed.edges[-1].target == "party"


def test_an_update_merges_config_and_keeps_the_rest() -> None:
    update = {"op": "update_node", "id": "sales", "config": {"ring_seconds": 40}}
    sales = apply_operations(office(), [update]).by_id["sales"]
    assert sales.config["ring_seconds"] == 40
    assert sales.config["endpoints"] == ("101", "102", "+31201234567")
    assert sales.title == "Sales team"


def test_null_resets_a_config_key_to_its_default() -> None:
    graph = apply_operations(
        office(), [{"op": "update_node", "id": "menu", "config": {"retries": 5}}]
    )
    reset = {"op": "update_node", "id": "menu", "config": {"retries": None}}
    assert etag(apply_operations(graph, [reset])) == etag(office())


def test_null_cannot_take_a_required_key_away() -> None:
    update = {"op": "update_node", "id": "menu", "config": {"prompt": None}}
    assert problems_of(office(), update).keys() == {"operations.0.config.prompt"}


def test_an_update_can_rename() -> None:
    update = {"op": "update_node", "id": "menu", "title": "Welcome"}
    assert apply_operations(office(), [update]).by_id["menu"].title == "Welcome"


def test_an_update_that_changes_nothing_is_refused() -> None:
    assert problems_of(office(), {"op": "update_node", "id": "menu"}).keys() == {"operations.0"}


def test_an_update_cannot_change_the_type() -> None:
    update = {"op": "update_node", "id": "menu", "type": "play", "title": "x"}
    assert "“type”" in problems_of(office(), update)["operations.0"]


def test_keys_that_are_null_count_as_absent() -> None:
    operation = {"op": "remove_edge", "id": "e4", "title": None, "config": None, "from": None}
    assert len(apply_operations(office(), [operation]).edges) == 7


def test_an_edge_can_be_led_elsewhere_under_its_own_id() -> None:
    operations = [{"op": "remove_edge", "id": "e2"}, add_edge("e2", "hours", "closed", "mailbox")]
    changed = apply_operations(office(), operations)
    assert next(edge for edge in changed.edges if edge.id == "e2").target == "mailbox"


def test_the_entry_can_move() -> None:
    assert apply_operations(office(), [{"op": "set_entry", "id": "menu"}]).entry == "menu"


def test_the_entry_cannot_be_removed_without_another() -> None:
    remove = {"op": "remove_node", "id": "hours"}
    assert "set_entry" in problems_of(office(), remove)["operations.0"]
    assert apply_operations(office(), [remove, {"op": "set_entry", "id": "menu"}]).entry == "menu"


def test_all_problems_come_at_once_with_the_operations_index() -> None:
    found = problems_of(
        office(),
        {"op": "add_node", "id": "menu", "type": "hangup", "title": "Twice"},
        {"op": "teleport"},
        {"op": "remove_node", "id": "nobody"},
        {"op": "remove_edge", "id": "nothing"},
        add_edge("e1", "hours", "holiday", "menu"),
        add_edge("e9", "hours", "holiday", "nowhere"),
        {"op": "set_entry", "id": "nobody"},
        "remove everything",
        {"op": "remove_edge", "id": "e1", "force": True},
        {"op": "update_node", "id": "sales", "config": {"ring_seconds": 1}},
    )
    assert found.keys() == {
        "operations.0.id",
        "operations.1.op",
        "operations.2.id",
        "operations.3.id",
        "operations.4.id",
        "operations.5.to",
        "operations.6",
        "operations.7",
        "operations.8",
        "operations.9.config.ring_seconds",
    }


def test_what_builds_on_a_failed_operation_is_not_one_more_problem() -> None:
    found = problems_of(
        office(),
        {"op": "add_node", "id": "party", "type": "play", "title": "Party", "config": {}},
        {**add_play("feast"), "colour": "red"},
        add_edge("e8b", "menu", "9", "feast"),
        add_edge("e9", "hours", "holiday", "party"),
        add_edge("e10", "party", "", "mailbox"),
        {"op": "remove_edge", "id": "e10"},
        {"op": "update_node", "id": "party", "title": "Feast"},
        {"op": "set_entry", "id": "party"},
    )
    assert found.keys() == {"operations.0.config.prompt", "operations.1", "operations.4.on"}


def test_an_edge_to_a_node_removed_later_goes_with_it() -> None:
    operations = [add_edge("e9", "menu", "3", "sales"), {"op": "remove_node", "id": "sales"}]
    assert "e9" not in {edge.id for edge in apply_operations(office(), operations).edges}


def test_an_edge_to_a_node_removed_before_is_refused() -> None:
    operations = [{"op": "remove_node", "id": "sales"}, add_edge("e9", "menu", "3", "sales")]
    assert problems_of(office(), *operations).keys() == {"operations.1.to"}


def test_old_dangling_edges_do_not_stand_in_the_way() -> None:
    graph = parse(flow("gone", [play("a")], "a next nowhere"), strict=False)
    changed = apply_operations(graph, [{"op": "update_node", "id": "a", "title": "Hi"}])
    assert changed.edges == graph.edges
    assert changed.entry == "gone"


def test_limits_hold_for_the_result() -> None:
    adds = [add_play(f"n{index}") for index in range(195)]
    assert "200" in problems_of(office(), *adds)["operations"]
    assert len(apply_operations(office(), adds[:194]).nodes) == 200
    swapped = apply_operations(office(), [*adds, {"op": "remove_node", "id": "n0"}])
    assert len(swapped.nodes) == 200


@pytest.mark.parametrize("operations", [[], [{"op": "set_entry", "id": "menu"}] * 501])
def test_there_is_at_least_one_operation_and_a_limit(operations: list[object]) -> None:
    assert problems_of(office(), *operations).keys() == {"operations"}


def graph_or_problems(operations: Any) -> Graph | tuple[Problem, ...]:
    try:
        return apply_operations(office(), operations)
    except GraphError as error:
        return error.problems


ids = st.sampled_from(["hours", "menu", "mailbox", "e1", "e2", "new", "new2", "Not An Id"])
any_operation = st.fixed_dictionaries(
    {
        "op": st.sampled_from(
            ["add_node", "update_node", "remove_node", "add_edge", "remove_edge", "set_entry"]
        ),
        "id": ids,
    },
    optional={
        "type": st.sampled_from(["play", "hangup", "teleport"]),
        "title": st.sampled_from(["A title", ""]),
        "config": st.sampled_from([{}, {"prompt": "Hi"}, {"prompt": None}]) | json_values,
        "from": ids,
        "to": ids,
        "on": st.sampled_from(["open", "1", ""]),
    },
)


@given(st.lists(any_operation | json_values, max_size=8) | json_values)
@settings(deadline=None, max_examples=120)
def test_any_operations_give_a_readable_graph_or_a_graph_error(operations: object) -> None:
    result = graph_or_problems(operations)
    if isinstance(result, Graph):
        assert parse(result.to_dict()) == result
    else:
        assert "".join(problem.message for problem in result).encode()
