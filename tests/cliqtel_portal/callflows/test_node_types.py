from __future__ import annotations

from typing import Any

import pytest

from cliqtel_portal.callflows.graph import GraphError, parse
from cliqtel_portal.callflows.node_types import NODE_TYPES
from tests.factories.call_flow_graphs import flow, node


def problems_of_config(type_name: str, **config: object) -> dict[str, str]:
    with pytest.raises(GraphError) as caught:
        parse(flow("a", [node("a", type_name, **config)]))
    return {
        problem.field.removeprefix("nodes.0.config."): problem.message
        for problem in caught.value.problems
    }


def stored_config(type_name: str, **config: object) -> Any:
    return parse(flow("a", [node("a", type_name, **config)])).nodes[0].plain_config()


def test_every_node_type_has_a_summary_without_a_hole() -> None:
    configs: dict[str, dict[str, object]] = {
        "schedule": {
            "time_zone": "UTC",
            "hours": [{"days": ["sat", "sun"], "from": "10:00", "to": "24:00"}],
        },
        "menu": {"prompt": "Press 1."},
        "queue": {"max_wait_seconds": 60},
        "ring_group": {"endpoints": ["101", "anna.b"]},
        "forward": {"to": "+31612345678"},
        "play": {"prompt": "Hello."},
        "voicemail": {"mailbox": "sales"},
        "hangup": {},
        "trunk": {"trunk_id": "0190A6F0-1111-7222-8333-444455556666"},
        "webhook": {"url": "https://example.test/route?x=1"},
        "condition": {"field": "language", "cases": ["nl", "fr-BE"]},
    }
    assert configs.keys() == NODE_TYPES.keys()
    graph = parse(flow("play", [node(name, name, **config) for name, config in configs.items()]))
    assert {each.id: each.summary for each in graph.nodes} == {
        "schedule": "Sat, Sun 10:00\N{EN DASH}24:00",
        "menu": "“Press 1.”",
        "queue": "longest idle first, at most 60 s",
        "ring_group": "101, anna.b all at once, 20 s",
        "forward": "+31612345678, 25 s",
        "play": "“Hello.”",
        "voicemail": "sales",
        "hangup": "normal end",
        "trunk": "0190a6f0-1111-7222-8333-444455556666",
        "webhook": "https://example.test/route?x=1",
        "condition": "language: nl, fr-BE",
    }


@pytest.mark.parametrize(
    ("type_name", "config", "place"),
    [
        ("schedule", {"time_zone": "Mars/Base", "hours": []}, "time_zone"),
        ("schedule", {"time_zone": "../etc/passwd", "hours": []}, "time_zone"),
        ("menu", {"prompt": "x", "retries": True}, "retries"),
        ("menu", {"prompt": "x", "timeout_seconds": 0}, "timeout_seconds"),
        ("menu", {"prompt": "x", "timeout_seconds": 10**5000}, "timeout_seconds"),
        ("menu", {"prompt": "x" * 1001}, "prompt"),
        ("queue", {"max_wait_seconds": 5.5}, "max_wait_seconds"),
        ("queue", {"max_wait_seconds": 60, "strategy": ["round_robin"]}, "strategy"),
        ("ring_group", {"endpoints": []}, "endpoints"),
        ("ring_group", {"endpoints": ["101", "10 2"]}, "endpoints.1"),
        ("ring_group", {"endpoints": ["101", "101"]}, "endpoints.1"),
        ("forward", {"to": "0612345678"}, "to"),
        ("forward", {"to": "+31612345678\n"}, "to"),
        ("forward", {"to": "+٣١٦١٢٣٤٥٦٧٨"}, "to"),
        ("voicemail", {"mailbox": "two words"}, "mailbox"),
        ("hangup", {"reason": "angry"}, "reason"),
        ("trunk", {"trunk_id": "1"}, "trunk_id"),
        ("webhook", {"url": "http://example.test/"}, "url"),
        ("webhook", {"url": "https://user:secret@example.test/"}, "url"),
        ("webhook", {"url": "https://example.test:port/"}, "url"),
        ("webhook", {"url": "https://[broken/"}, "url"),
        ("webhook", {"url": "https:///path"}, "url"),
        ("condition", {"field": "caller_country", "cases": ["NL", "nl"]}, "cases.1"),
        ("condition", {"field": "caller_number_prefix", "cases": ["31"]}, "cases.0"),
        ("condition", {"field": "moon", "cases": ["full"]}, "field"),
    ],
)
def test_config_is_checked_by_type(type_name: str, config: dict[str, Any], place: str) -> None:
    assert place in problems_of_config(type_name, **config)


@pytest.mark.parametrize(
    ("opening", "place"),
    [
        ({"days": ["mon"], "from": "17:00", "to": "09:00"}, "to"),
        ({"days": ["mon"], "from": "09:00", "to": "09:00"}, "to"),
        ({"days": ["mon"], "from": "24:00", "to": "24:00"}, "from"),
        ({"days": ["mon"], "from": "9:00", "to": "17:00"}, "from"),
        ({"days": ["mon", "mon"], "from": "09:00", "to": "17:00"}, "days"),
        ({"days": ["monday"], "from": "09:00", "to": "17:00"}, "days"),
        ({"days": [], "from": "09:00", "to": "17:00"}, "days"),
        ({"days": 5, "from": "09:00", "to": "17:00"}, "days"),
        ({"days": ["mon"], "from": "09:00"}, "to"),
    ],
)
def test_opening_hours_are_checked(opening: dict[str, Any], place: str) -> None:
    found = problems_of_config("schedule", time_zone="UTC", hours=[opening])
    assert found.keys() == {f"hours.0.{place}"}


def test_a_range_past_midnight_is_refused_with_the_way_out() -> None:
    night = {"days": ["fri"], "from": "22:00", "to": "06:00"}
    found = problems_of_config("schedule", time_zone="UTC", hours=[night])
    assert "split" in found["hours.0.to"]


def test_hours_and_holidays_are_stored_in_one_order() -> None:
    ranges = [
        {"days": ["sun", "sat"], "from": "10:00", "to": "14:00"},
        {"days": ["mon"], "from": "13:00", "to": "17:00"},
        {"days": ["mon"], "from": "09:00", "to": "12:00"},
    ]
    holidays = ["2026-12-26", "2026-01-01", "2026-12-26"]
    stored = stored_config("schedule", time_zone="UTC", hours=ranges, holidays=holidays)
    assert [(each["days"], each["from"]) for each in stored["hours"]] == [
        (["mon"], "09:00"),
        (["mon"], "13:00"),
        (["sat", "sun"], "10:00"),
    ]
    assert stored["holidays"] == ["2026-01-01", "2026-12-26"]


@pytest.mark.parametrize("day", ["2026-02-30", "20261225", "2026-W01-1", "christmas", 5])
def test_holidays_are_real_dates(day: object) -> None:
    hours = [{"days": ["mon"], "from": "09:00", "to": "17:00"}]
    found = problems_of_config("schedule", time_zone="UTC", hours=hours, holidays=[day])
    assert found.keys() == {"holidays.0"}


def test_endpoints_keep_their_order() -> None:
    assert stored_config("ring_group", endpoints=["102", "101"])["endpoints"] == ["102", "101"]
