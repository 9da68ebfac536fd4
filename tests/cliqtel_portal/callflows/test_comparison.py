from __future__ import annotations

from django.template.loader import render_to_string
from django.test import RequestFactory

from cliqtel_portal.callflows.comparison import Comparison
from cliqtel_portal.callflows.diff import diff
from cliqtel_portal.callflows.graph import Graph, parse
from cliqtel_portal.callflows.operations import apply_operations
from tests.factories.call_flow_graphs import flow, node, office_flow


def compare(old: Graph, new: Graph) -> Comparison:
    return Comparison(diff(old, new), name="Office", old_label="revision 1", new_label="proposed")


def changed(*operations: object) -> Comparison:
    old = parse(office_flow())
    return compare(old, apply_operations(old, operations))


def told(comparison: Comparison) -> list[tuple[str, str, str, list[tuple[str, str, str]]]]:
    return [
        (
            row.mark.value,
            row.kind,
            row.title,
            [(value.label, value.old, value.new) for value in row.values],
        )
        for row in comparison.rows
    ]


def test_every_value_is_told_before_and_after_and_uncut() -> None:
    prompt = "x" * 900
    comparison = changed(
        {"op": "update_node", "id": "closed", "title": "Bye", "config": {"prompt": prompt}}
    )
    assert told(comparison) == [
        (
            "changed",
            "Message",
            "Closed message",
            [("title", "Closed message", "Bye"), ("prompt", "“We are closed.”", f"“{prompt}”")],
        )
    ]


def test_steps_that_come_and_go_tell_what_they_hold() -> None:
    comparison = changed(
        {"op": "remove_node", "id": "sales"},
        {"op": "add_node", **node("bye", "hangup", "Bye")},
        {"op": "add_edge", "id": "e9", "from": "menu", "to": "bye", "on": "1"},
    )
    rows = told(comparison)
    assert rows[0] == ("added", "Hang up", "Bye", [("reason", "", "normal end")])
    assert rows[1][:3] == ("removed", "Ring group", "Sales team")
    assert ("endpoints", "101, 102, +31201234567", "") in rows[1][3]
    assert ("changed", "Path from", "Main menu", [("key 1 leads to", "Sales team", "Bye")]) in rows
    assert (
        "removed",
        "Path from",
        "Sales team",
        [("no answer leads to", "Office voicemail", "")],
    ) in rows


def test_another_start_is_a_row() -> None:
    comparison = changed({"op": "set_entry", "id": "menu"})
    assert told(comparison) == [
        ("changed", "Start", "", [("calls start at", "Office hours", "Main menu")])
    ]


def test_a_path_with_another_id_only_is_a_row() -> None:
    comparison = changed(
        {"op": "remove_edge", "id": "e1"},
        {"op": "add_edge", "id": "e9", "from": "hours", "to": "menu", "on": "open"},
    )
    assert told(comparison) == [
        ("changed", "Path from", "Office hours", [("id of the edge", "e1", "e9")])
    ]


def test_what_does_not_change_has_no_row() -> None:
    graph = parse(office_flow())
    assert compare(graph, graph).rows == ()


def test_a_rewiring_past_reading_is_told_in_words_only() -> None:
    ids = [f"m{index}" for index in range(40)]
    nodes = [node(each, "menu", prompt="Choose.") for each in ids]
    ways = [(each, on) for each in ids for on in "12345"]
    old = parse(flow("m0", nodes, *[f"{each} {on} m0" for each, on in ways]))
    new = parse(flow("m0", nodes, *[f"{each} {on} m1" for each, on in ways]))
    comparison = compare(old, new)
    assert not comparison.is_drawable
    html = render_to_string(
        "callflows/_diff.html", {"comparison": comparison}, RequestFactory().get("/")
    )
    assert "<svg" not in html
    assert html.count("<li") == 200
