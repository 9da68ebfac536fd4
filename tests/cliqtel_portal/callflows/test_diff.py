from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from cliqtel_portal.callflows.diff import describe, diff
from cliqtel_portal.callflows.graph import Graph, etag, parse
from cliqtel_portal.callflows.operations import apply_operations
from tests.factories.call_flow_graphs import Flow, flows, node, office_flow, play

DASH = "\N{EN DASH}"
WEEK = ["mon", "tue", "wed", "thu", "fri"]


def office() -> Graph:
    return parse(office_flow())


def after(*operations: dict[str, Any]) -> list[str]:
    """What is said of these operations on the office flow."""
    return describe(diff(office(), apply_operations(office(), operations)))


def update(node_id: str, **config: object) -> dict[str, Any]:
    return {"op": "update_node", "id": node_id, "config": config}


def edge(edge_id: str, source: str, on: str, target: str) -> dict[str, Any]:
    return {"op": "add_edge", "id": edge_id, "from": source, "to": target, "on": on}


def test_nothing_changes_between_equal_flows_in_another_order() -> None:
    data = office_flow()
    shuffled = {**data, "nodes": data["nodes"][::-1], "edges": data["edges"][::-1]}
    changes = diff(parse(data), parse(shuffled))
    assert not changes
    assert describe(changes) == []


def test_a_later_closing_time_is_one_plain_sentence() -> None:
    hours = [{"days": WEEK, "from": "09:00", "to": "18:00"}]
    assert after(update("hours", hours=hours)) == ["Changed “Office hours”: closes 17:00 → 18:00"]


def test_with_several_ranges_the_days_are_named() -> None:
    saturday = {"days": ["sat"], "from": "10:00", "to": "14:00"}
    old = apply_operations(
        office(),
        [update("hours", hours=[{"days": WEEK, "from": "09:00", "to": "17:00"}, saturday])],
    )
    new = apply_operations(
        old,
        [
            update(
                "hours",
                hours=[
                    {"days": WEEK, "from": "09:00", "to": "17:00"},
                    {"days": ["sat"], "from": "09:30", "to": "15:00"},
                ],
            )
        ],
    )
    assert describe(diff(old, new)) == [
        "Changed “Office hours”: Sat opens 10:00 → 09:30 and closes 14:00 → 15:00"
    ]


def test_other_days_show_the_whole_week_before_and_after() -> None:
    hours = [{"days": ["mon", "wed"], "from": "09:00", "to": "17:00"}]
    assert after(update("hours", hours=hours)) == [
        f"Changed “Office hours”: hours: Mon{DASH}Fri 09:00{DASH}17:00 → Mon, Wed 09:00{DASH}17:00"
    ]


def test_lists_say_what_came_and_went() -> None:
    assert after(
        update("hours", holidays=["2026-12-26"]),
        update("sales", endpoints=["101", "102", "103"]),
    ) == [
        "Changed “Office hours”: holidays removed 2026-12-25, added 2026-12-26",
        "Changed “Sales team”: endpoints removed +31201234567, added 103",
    ]


def test_a_new_order_is_a_change_too() -> None:
    assert after(update("sales", endpoints=["102", "101", "+31201234567"])) == [
        "Changed “Sales team”: endpoints: 101, 102, +31201234567 → 102, 101, +31201234567"
    ]


def test_other_fields_say_old_and_new_with_their_unit() -> None:
    rename = {"op": "update_node", "id": "menu", "title": "Welcome"}
    assert after(
        update("sales", ring_seconds=30, strategy="sequential"),
        update("support", max_callers=10),
        rename,
    ) == [
        "Changed “Main menu”: title → “Welcome”",
        "Changed “Sales team”: strategy: all at once → one after another; "
        "ringing time: 20 s → 30 s",
        "Changed “Support queue”: most callers: none → 10",
    ]


def test_field_changes_are_data_too() -> None:
    new = apply_operations(office(), [update("sales", ring_seconds=30)])
    (change,) = diff(office(), new).changed_nodes
    (field,) = change.fields
    assert (field.field, field.old, field.new) == ("config.ring_seconds", 20, 30)


def test_nodes_and_edges_that_come_and_go() -> None:
    assert after(
        {"op": "remove_node", "id": "support"},
        {"op": "add_node", **play("party", "Party message")},
        edge("e20", "hours", "holiday", "party"),
    ) == [
        "Added Message “Party message”: “Hello.”",
        "Removed Queue “Support queue”",
        "Removed “Main menu”, key 2 → “Support queue”",
        "Removed “Support queue”, waited too long → “Office voicemail”",
        "Added “Office hours”, holiday → “Party message”",
    ]


@pytest.mark.parametrize("new_id", ["e2", "e20"])
def test_an_outcome_that_leads_elsewhere_is_one_sentence(new_id: str) -> None:
    assert after({"op": "remove_edge", "id": "e2"}, edge(new_id, "hours", "closed", "mailbox")) == [
        "“Office hours”, closed goes to “Office voicemail” instead of “Closed message”"
    ]


def test_a_new_edge_id_alone_is_said() -> None:
    assert after({"op": "remove_edge", "id": "e2"}, edge("e20", "hours", "closed", "closed")) == [
        "Renamed the edge of “Office hours”, closed: e2 → e20"
    ]


def test_another_entry_is_said_first() -> None:
    assert after({"op": "set_entry", "id": "menu"}) == [
        "Calls start at “Main menu” instead of “Office hours”"
    ]


def test_a_node_that_changes_its_type_shows_each_value_in_its_own_terms() -> None:
    data = office_flow()
    data["nodes"][2] = node("sales", "queue", "Sales team", max_wait_seconds=60)
    (sentence,) = describe(diff(office(), parse(data)))
    assert sentence.startswith("Changed “Sales team”: type: Ring group → Queue; ")
    assert "strategy: all at once → longest idle first" in sentence
    assert "endpoints: 101, 102, +31201234567 → none" in sentence


def test_a_very_long_sentence_is_cut() -> None:
    (sentence,) = after(update("menu", prompt="x" * 1000))
    assert len(sentence) == 300
    assert sentence.endswith("…")


def test_the_stored_form_has_what_tools_answer() -> None:
    new = apply_operations(
        office(),
        [
            {"op": "remove_edge", "id": "e4"},
            update("sales", ring_seconds=30),
            {"op": "set_entry", "id": "menu"},
        ],
    )
    form = diff(office(), new).to_dict()
    assert json.loads(json.dumps(form)) == {
        "added": {"nodes": [], "edges": []},
        "removed": {
            "nodes": [],
            "edges": [{"id": "e4", "from": "menu", "to": "support", "on": "2"}],
        },
        "changed": [
            {
                "id": "sales",
                "title": "Sales team",
                "fields": [{"field": "config.ring_seconds", "old": 20, "new": 30}],
            }
        ],
        "entry": {"old": "hours", "new": "menu"},
    }


@given(flows(), flows())
@settings(deadline=None, max_examples=60)
def test_a_diff_is_empty_exactly_when_the_etags_agree(one: Flow, other: Flow) -> None:
    old, new = parse(one, strict=False), parse(other, strict=False)
    changes = diff(old, new)
    assert bool(changes) == (etag(old) != etag(new))
    assert bool(describe(changes)) == bool(changes)
    assert not diff(old, old)


@given(flows(), flows())
@settings(deadline=None, max_examples=100)
def test_a_diff_turned_round_swaps_what_came_and_went(one: Flow, other: Flow) -> None:
    old, new = parse(one, strict=False), parse(other, strict=False)
    there, back = diff(old, new), diff(new, old)
    assert there.added_nodes == back.removed_nodes
    assert there.removed_edges == back.added_edges
    assert len(there.changed_nodes) == len(back.changed_nodes)
