from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from cliqtel_portal.callflows.drawing import columns, draw, fit
from cliqtel_portal.callflows.graph import Graph, parse
from cliqtel_portal.callflows.icons import ICONS
from cliqtel_portal.callflows.node_types import NODE_TYPES
from cliqtel_portal.callflows.operations import apply_operations
from tests.factories.call_flow_graphs import Flow, flow, flows, node, office_flow, play

ROOT = Path(__file__).parents[3]
SVG = "{http://www.w3.org/2000/svg}"
CLASSES = {"flow-added", "flow-removed", "flow-changed", "flow-same"}


def office() -> Graph:
    return parse(office_flow())


def changed_office() -> Graph:
    return apply_operations(
        office(),
        [
            {"op": "remove_node", "id": "support"},
            {"op": "update_node", "id": "sales", "config": {"ring_seconds": 30}},
            {"op": "add_node", **play("party", "Party message")},
            {"op": "add_edge", "id": "e20", "from": "hours", "to": "party", "on": "holiday"},
            {"op": "set_entry", "id": "menu"},
        ],
    )


def drawn(graph: Graph, **options: Any) -> ElementTree.Element:
    return ElementTree.fromstring(draw(graph, title="Main line", **options))


def texts(element: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in element.iter(f"{SVG}text")]


def groups(svg: ElementTree.Element, css: str) -> list[ElementTree.Element]:
    return [each for each in svg.iter(f"{SVG}g") if css in each.get("class", "").split()]


def nodes_by_id(svg: ElementTree.Element) -> dict[str, ElementTree.Element]:
    return {each.get("data-node", ""): each for each in groups(svg, "flow-node")}


def marks(element: ElementTree.Element) -> set[str]:
    return CLASSES & set(element.get("class", "").split())


def rectangle(element: ElementTree.Element) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the box in a group."""
    box = element.find(f"{SVG}rect")
    assert box is not None
    left, top, width, height = (float(box.get(key, "")) for key in ("x", "y", "width", "height"))
    return left, top, left + width, top + height


def pairs(numbers: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(numbers[0::2], numbers[1::2], strict=True))


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_it_is_an_image_with_a_title_and_a_description() -> None:
    svg = drawn(office(), prefix="before")
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "before-title before-desc"
    title, description = svg[0], svg[1]
    assert (title.get("id"), title.text) == ("before-title", "Main line")
    assert description.get("id") == "before-desc"
    assert description.text == "6 steps and 8 paths. Calls start at “Office hours”."


def test_each_node_shows_its_type_title_and_summary() -> None:
    nodes = nodes_by_id(drawn(office()))
    assert texts(nodes["support"]) == ["Queue", "Support queue", "longest idle first, at most…"]
    assert nodes["support"].get("class") == "flow-node flow-type-queue"
    assert texts(nodes["incoming call"]) == ["Incoming call"]


def test_what_is_cut_is_whole_in_the_tooltip() -> None:
    tooltip = nodes_by_id(drawn(office()))["support"].find(f"{SVG}title")
    assert tooltip is not None
    assert tooltip.text == "Queue: Support queue: longest idle first, at most 300 s"


def test_each_edge_is_drawn_and_labelled() -> None:
    svg = drawn(office())
    edges = [each.get("data-edge") for each in groups(svg, "flow-edge")]
    assert edges == [None, *(f"e{number}" for number in range(1, 9))]
    labels = [texts(each) for each in groups(svg, "flow-label")]
    assert ["key 1"] in labels
    assert ["no answer"] in labels
    assert len(labels) == 8


@pytest.mark.parametrize("vertical", [False, True])
def test_calls_run_from_left_to_right_or_from_the_top_down(*, vertical: bool) -> None:
    nodes = nodes_by_id(drawn(office(), vertical=vertical))
    way = [rectangle(nodes[key]) for key in ("incoming call", "hours", "menu", "sales", "mailbox")]
    axis = 1 if vertical else 0
    assert all(after[axis] > before[axis + 2] for before, after in pairwise(way))


def test_the_vertical_drawing_is_the_narrower_one() -> None:
    wide, narrow = drawn(office()), drawn(office(), vertical=True)
    assert float(narrow.get("width", "")) < float(wide.get("width", "")) / 2
    assert narrow.get("class") == "flow flow-vertical"


@pytest.mark.parametrize("vertical", [False, True])
def test_boxes_and_labels_do_not_overlap(*, vertical: bool) -> None:
    svg = drawn(changed_office(), before=office(), vertical=vertical)
    areas = [rectangle(each) for css in ("flow-node", "flow-label") for each in groups(svg, css)]
    assert len(areas) == 8 + 9
    for index, area in enumerate(areas):
        assert not any(overlap(area, other) for other in areas[index + 1 :])


def test_a_comparison_shows_what_came_what_went_and_what_changed() -> None:
    svg = drawn(changed_office(), before=office())
    nodes = nodes_by_id(svg)
    assert marks(nodes["party"]) == {"flow-added"}
    assert marks(nodes["support"]) == {"flow-removed"}
    assert marks(nodes["sales"]) == {"flow-changed"}
    assert marks(nodes["menu"]) == {"flow-same"}
    assert "+ added" in texts(nodes["party"])
    assert "\N{MINUS SIGN} removed" in texts(nodes["support"])
    assert "~ changed" in texts(nodes["sales"])
    edges = {(each.get("data-edge"), *marks(each)) for each in groups(svg, "flow-edge")}
    assert edges >= {
        (None, "flow-added"),
        (None, "flow-removed"),
        ("e20", "flow-added"),
        ("e4", "flow-removed"),
        ("e7", "flow-removed"),
        ("e1", "flow-same"),
    }
    labels = [text for each in groups(svg, "flow-label") for text in texts(each)]
    assert "+ holiday" in labels
    assert "\N{MINUS SIGN} key 2" in labels
    description = svg[1].text or ""
    assert "Calls start at “Main menu” instead of “Office hours”." in description
    assert "Removed Queue “Support queue”." in description


def test_a_comparison_with_itself_says_that_nothing_changes() -> None:
    svg = drawn(office(), before=office())
    assert (svg[1].text or "").endswith("Nothing changes.")
    assert {mark for each in svg.iter() for mark in marks(each)} == {"flow-same"}


def test_an_edge_led_elsewhere_under_its_own_id_is_drawn_twice() -> None:
    new = apply_operations(
        office(),
        [
            {"op": "remove_edge", "id": "e2"},
            {"op": "add_edge", "id": "e2", "from": "hours", "to": "mailbox", "on": "closed"},
        ],
    )
    svg = drawn(new, before=office())
    found = [marks(each) for each in groups(svg, "flow-edge") if each.get("data-edge") == "e2"]
    assert sorted(map(sorted, found)) == [["flow-added"], ["flow-removed"]]


def test_without_a_comparison_nothing_is_marked() -> None:
    assert not any(marks(each) for each in drawn(office()).iter())


HOSTILE = '</title></svg><script>alert(1)</script><img src=x onerror="alert(2)">&#x3c;\'"'


def test_hostile_text_stays_text() -> None:
    data = flow("a", [play("a", HOSTILE[:80]), node("b", "play", prompt=HOSTILE)])
    data["edges"] = [{"id": "e", "from": "a", "to": "b", "on": HOSTILE[:40]}]
    picture = draw(
        parse(data), title=HOSTILE, before=parse(office_flow()), prefix='x" onload="alert(3)'
    )
    svg = ElementTree.fromstring(picture)
    assert svg[0].text == HOSTILE
    assert {each.tag.removeprefix(SVG) for each in svg.iter()} == {
        "svg",
        "title",
        "desc",
        "g",
        "rect",
        "path",
        "text",
    }
    assert not [key for each in svg.iter() for key in each.attrib if key.startswith("on")]
    assert "<script" not in picture
    assert "<img" not in picture


def test_control_characters_in_the_name_of_the_flow_do_not_break_the_page() -> None:
    svg = ElementTree.fromstring(draw(office(), title="A\x00B\x1b\u202e\ud800"))
    assert svg[0].text == "A?B???"


def test_no_style_stands_in_the_drawing() -> None:
    picture = draw(changed_office(), title="Main line", before=office())
    for forbidden in ("style=", "<style", "fill=", "stroke=", "<script", "href"):
        assert forbidden not in picture


def test_dangling_ends_are_drawn_as_missing() -> None:
    svg = drawn(parse(flow("gone", [play("a")], "a next nowhere"), strict=False))
    missing = nodes_by_id(svg)["nowhere"]
    assert missing.get("class") == "flow-node flow-missing"
    assert texts(missing) == ["missing: nowhere"]
    assert "incoming call" not in nodes_by_id(svg)


def test_an_empty_flow_is_an_empty_picture() -> None:
    svg = drawn(parse(flow(None, []), strict=False))
    assert svg[1].text == "0 steps and 0 paths."
    assert not groups(svg, "flow-node")


def test_another_process_draws_the_same() -> None:
    program = (
        "from tests.factories.call_flow_graphs import office_flow;"
        "from cliqtel_portal.callflows.graph import parse;"
        "from cliqtel_portal.callflows.drawing import draw;"
        "import sys; sys.stdout.buffer.write(draw(parse(office_flow()), title='x').encode())"
    )
    other = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, cwd=ROOT
    )
    assert other.stdout.decode() == draw(office(), title="x")


def test_what_is_wrong_is_in_the_box_by_word_and_sign() -> None:
    svg = drawn(office(), severities={"menu": "error", "sales": "warning"})
    boxes = nodes_by_id(svg)
    assert "! error" in texts(boxes["menu"])
    assert "flow-error" in boxes["menu"].get("class", "").split()
    assert "! warning" in texts(boxes["sales"])
    assert not any(text.startswith("!") for text in texts(boxes["support"]))


def test_each_type_of_node_has_a_sign_of_its_own() -> None:
    assert set(ICONS) == set(NODE_TYPES)
    assert len(set(ICONS.values())) == len(ICONS)
    (icon,) = (
        each
        for each in nodes_by_id(drawn(office()))["menu"].iter(f"{SVG}path")
        if each.get("class") == "flow-icon"
    )
    assert icon.get("d") == ICONS["menu"]


@given(flows(), flows())
@settings(deadline=None, max_examples=80)
def test_any_flow_is_valid_xml_within_its_view_box(one: Flow, other: Flow) -> None:
    old, new = parse(one, strict=False), parse(other, strict=False)
    for vertical in (False, True):
        svg = drawn(new, before=old, vertical=vertical)
        left, top, width, height = (float(each) for each in svg.get("viewBox", "").split())
        assert (left, top) == (0, 0)
        boxes = [*groups(svg, "flow-node"), *groups(svg, "flow-label")]
        corners = [corner for box in boxes for corner in pairs(rectangle(box))]
        # An icon has the grid of its own, within its box.
        for path in (each for each in svg.iter(f"{SVG}path") if not each.get("transform")):
            corners += pairs([float(each) for each in re.findall(r"[0-9.e-]+", path.get("d", ""))])
        assert all(0 <= x <= width and 0 <= y <= height for x, y in corners)


def test_the_largest_flow_is_drawn() -> None:
    nodes = [node(f"n{index}", "menu", prompt="?") for index in range(200)]
    paths = [
        f"n{index} {on} n{min(index + step, 199)}"
        for index in range(200)
        for on, step in (("1", 1), ("2", 2), ("no_input", 3))
    ]
    svg = drawn(parse(flow("n0", nodes, *paths)))
    assert len(groups(svg, "flow-node")) == 201
    assert len(groups(svg, "flow-edge")) == 601


def test_text_is_cut_to_the_room_it_has() -> None:
    assert fit("short", 5) == "short"
    assert fit("too long", 5) == "too…"
    assert fit("日本語日本語", 6) == "日本…"
    assert columns("日本a") == 5
