"""Call flows in their JSON form: one real one, and strategies for arbitrary ones."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

Flow = dict[str, Any]

_OFFICE: Flow = {
    "entry": "hours",
    "nodes": [
        {
            "id": "hours",
            "type": "schedule",
            "title": "Office hours",
            "config": {
                "time_zone": "Europe/Amsterdam",
                "hours": [
                    {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}
                ],
                "holidays": ["2026-12-25"],
            },
        },
        {
            "id": "menu",
            "type": "menu",
            "title": "Main menu",
            "config": {"prompt": "Press 1 for sales, 2 for support."},
        },
        {
            "id": "sales",
            "type": "ring_group",
            "title": "Sales team",
            "config": {"endpoints": ["101", "102", "+31201234567"]},
        },
        {
            "id": "support",
            "type": "queue",
            "title": "Support queue",
            "config": {"max_wait_seconds": 300},
        },
        {
            "id": "closed",
            "type": "play",
            "title": "Closed message",
            "config": {"prompt": "We are closed."},
        },
        {
            "id": "mailbox",
            "type": "voicemail",
            "title": "Office voicemail",
            "config": {"mailbox": "office@acme.test"},
        },
    ],
    "edges": [
        {"id": "e1", "from": "hours", "to": "menu", "on": "open"},
        {"id": "e2", "from": "hours", "to": "closed", "on": "closed"},
        {"id": "e3", "from": "menu", "to": "sales", "on": "1"},
        {"id": "e4", "from": "menu", "to": "support", "on": "2"},
        {"id": "e5", "from": "menu", "to": "mailbox", "on": "no_input"},
        {"id": "e6", "from": "sales", "to": "mailbox", "on": "no_answer"},
        {"id": "e7", "from": "support", "to": "mailbox", "on": "timeout"},
        {"id": "e8", "from": "closed", "to": "mailbox", "on": "next"},
    ],
}


def office_flow() -> Flow:
    """A flow without any lint finding; each caller gets a copy of its own to change."""
    return copy.deepcopy(_OFFICE)


def node(node_id: str, type_name: str, /, title: str = "", **config: object) -> Flow:
    return {"id": node_id, "type": type_name, "title": title or node_id, "config": config}


def play(node_id: str, title: str = "") -> Flow:
    return node(node_id, "play", title, prompt="Hello.")


def flow(entry: str | None, nodes: list[Flow], *paths: str) -> Flow:
    """`flow("a", [...], "a next b")`: paths are "from on to", their edges e0, e1, …"""
    edges = []
    for index, path in enumerate(paths):
        source, on, target = path.split()
        edges.append({"id": f"e{index}", "from": source, "to": target, "on": on})
    return {"entry": entry, "nodes": nodes, "edges": edges}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["mon", "09:00", "menu", "open", "hours", "+31201234567", "\ud800", "\x00"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "type", "title", "config", "from", "to", "on", "days", "op"])
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@st.composite
def damaged_flows(draw: st.DrawFn) -> object:
    """The office flow with one to four values somewhere in it replaced by anything at all."""
    damaged = {"flow": office_flow()}
    for _ in range(draw(st.integers(1, 4))):
        place: Any = damaged
        key: Any = "flow"
        while isinstance(place[key], dict | list) and place[key] and draw(st.integers(0, 4)):
            place = place[key]
            keys = sorted(place) if isinstance(place, dict) else range(len(place))
            key = draw(st.sampled_from(keys))
        place[key] = draw(json_values)
    return damaged["flow"]


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Flows that parse with `strict=False`: any wiring, dangling ends and wrong outcomes too."""
    count = draw(st.integers(0, 7))
    kinds = [
        play("x"),
        node("x", "menu", prompt="Choose."),
        node("x", "ring_group", endpoints=["101"]),
        node("x", "condition", field="caller_country", cases=["NL", "BE"]),
        node("x", "hangup"),
    ]
    titles = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20)
    nodes = [
        {**draw(st.sampled_from(kinds)), "id": f"n{index}", "title": draw(titles)}
        for index in range(count)
    ]
    ends = st.sampled_from([f"n{index}" for index in range(count)] + ["gone"])
    outcomes = st.sampled_from(["next", "1", "no_input", "no_answer", "NL", "default", "bogus"])
    edges = [
        {"id": f"e{index}", "from": draw(ends), "to": draw(ends), "on": draw(outcomes)}
        for index in range(draw(st.integers(0, 12)))
    ]
    return {"entry": draw(ends | st.none()), "nodes": nodes, "edges": edges}


@st.composite
def wired_flows(draw: st.DrawFn) -> Flow:
    """Flows in which every outcome of every node leads to some node, at random."""
    kinds = [
        (play("x"), ["next"]),
        (node("x", "menu", prompt="Choose."), ["1", "no_input"]),
        (node("x", "ring_group", endpoints=["101"]), ["no_answer"]),
        (node("x", "hangup"), []),
    ]
    ids = [f"n{index}" for index in range(draw(st.integers(1, 6)))]
    chosen = {each: draw(st.sampled_from(kinds)) for each in ids}
    nodes = [kind | {"id": each, "title": each} for each, (kind, _) in chosen.items()]
    paths = [
        f"{each} {on} {draw(st.sampled_from(ids))}"
        for each, (_, outcomes) in chosen.items()
        for on in outcomes
    ]
    return flow(ids[0], nodes, *paths)
