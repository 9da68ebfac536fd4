"""The call flows of the demo tenants, as graphs. Numbers in them are reserved for fiction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Nodes = Mapping[str, Mapping[str, Any]]
Ways = Mapping[str, Mapping[str, str]]

OFFICE_DAYS = ["mon", "tue", "wed", "thu", "fri"]
HOLIDAYS_2026_27 = ["2026-12-25", "2026-12-26", "2027-01-01", "2027-03-29", "2027-04-27"]
ON_CALL_PHONE = "+447700900112"
LONDON_OFFICE = "+442079460118"


def graph(entry: str, nodes: Nodes, ways: Ways) -> dict[str, Any]:
    """The JSON form. `ways`: where each outcome of a node leads; an edge is named after it."""
    return {
        "entry": entry,
        "nodes": [
            {
                "id": node_id,
                "type": node["type"],
                "title": node["title"],
                "config": {key: node[key] for key in node if key not in ("type", "title")},
            }
            for node_id, node in nodes.items()
        ],
        "edges": [
            {
                "id": f"{source}-{re.sub('[^a-z0-9_]', '', on.lower())}",
                "from": source,
                "to": target,
                "on": on,
            }
            for source, outcomes in ways.items()
            for on, target in outcomes.items()
        ],
    }


def _hours(
    opens: str, closes: str, *, zone: str = "Europe/Amsterdam", holidays: list[str] | None = None
) -> dict[str, Any]:
    return {
        "type": "schedule",
        "title": "Opening hours",
        "time_zone": zone,
        "hours": [{"days": OFFICE_DAYS, "from": opens, "to": closes}],
        "holidays": holidays or [],
    }


def _play(title: str, prompt: str) -> dict[str, Any]:
    return {"type": "play", "title": title, "prompt": prompt}


def _voicemail(title: str, mailbox: str) -> dict[str, Any]:
    return {
        "type": "voicemail",
        "title": title,
        "mailbox": mailbox,
        "greeting": "Leave your name, your number and your question after the tone.",
    }


def _ring(title: str, endpoints: list[str], seconds: int = 20) -> dict[str, Any]:
    return {"type": "ring_group", "title": title, "endpoints": endpoints, "ring_seconds": seconds}


def _queue(title: str, members: list[str], wait: int, callers: int = 20) -> dict[str, Any]:
    return {
        "type": "queue",
        "title": title,
        "members": members,
        "max_wait_seconds": wait,
        "max_callers": callers,
    }


def main_reception(*, holidays: list[str], has_billing: bool) -> dict[str, Any]:
    keys = "Press 1 for sales, 2 for support"
    keys += ", 3 for billing, or 0 for reception." if has_billing else ", or 0 for reception."
    nodes: dict[str, Mapping[str, Any]] = {
        "hours": _hours("08:30", "18:00", holidays=holidays),
        "menu": {
            "type": "menu",
            "title": "Main menu",
            "prompt": f"Welcome to Acme. {keys}",
            "timeout_seconds": 6,
        },
        "sales": _ring("Sales team", ["201", "202", "203"]),
        "support": _queue("Support agents", ["301", "302", "303", "304"], 300),
        "reception": _ring("Reception", ["100", "101"], 30),
        "busy": _play(
            "All lines busy", "All our colleagues are in a call. Please leave a message."
        ),
        "closed": _play(
            "Closed message", "We are closed. Our hours are Monday to Friday, 8:30 to 18."
        ),
        "mailbox": _voicemail("Office voicemail", "reception@acme.test"),
    }
    ways: dict[str, dict[str, str]] = {
        "hours": {"open": "menu", "closed": "closed"},
        "menu": {
            "1": "sales",
            "2": "support",
            "0": "reception",
            "no_input": "reception",
            "invalid": "menu",
        },
        "sales": {"no_answer": "busy"},
        "support": {"timeout": "busy", "full": "busy"},
        "reception": {"no_answer": "busy"},
        "busy": {"next": "mailbox"},
        "closed": {"next": "mailbox"},
    }
    if holidays:
        nodes["holiday"] = _play(
            "Holiday message", "Our office is closed today for a public holiday."
        )
        ways["hours"]["holiday"] = "holiday"
        ways["holiday"] = {"next": "mailbox"}
    if has_billing:
        nodes["billing"] = _ring("Billing desk", ["410", "411"])
        ways["menu"]["3"] = "billing"
        ways["billing"] = {"no_answer": "busy"}
    return graph("hours", nodes, ways)


def sales_queue(*, wait: int) -> dict[str, Any]:
    return graph(
        "country",
        {
            "country": {
                "type": "condition",
                "title": "Where the caller is",
                "field": "caller_country",
                "cases": ["NL", "GB"],
            },
            "welcome_nl": _play("Welcome in Dutch", "Welkom bij Acme Verkoop."),
            "welcome_en": _play("Welcome in English", "Welcome to Acme Sales."),
            "dutch": _queue("Dutch sales", ["201", "202"], wait),
            "english": _queue("English sales", ["203", "204"], wait),
            "london": {
                "type": "forward",
                "title": "London office",
                "to": LONDON_OFFICE,
                "ring_seconds": 25,
            },
            "sorry": _play("Nobody free", "All colleagues are busy. We call you back today."),
            "mailbox": _voicemail("Sales voicemail", "sales@acme.test"),
        },
        {
            "country": {"NL": "welcome_nl", "GB": "welcome_en", "default": "welcome_en"},
            "welcome_nl": {"next": "dutch"},
            "welcome_en": {"next": "english"},
            "dutch": {"timeout": "english", "full": "sorry"},
            "english": {"timeout": "london", "full": "sorry"},
            "london": {"no_answer": "sorry", "failed": "sorry"},
            "sorry": {"next": "mailbox"},
        },
    )


def support(*, has_lookup: bool) -> dict[str, Any]:
    """The on-call phone has no way on for a failed call: a warning, and what a person finds."""
    nodes: dict[str, Mapping[str, Any]] = {
        "hours": _hours("07:00", "22:00"),
        "agents": _queue("Support agents", ["301", "302", "303", "304"], 420, 30),
        "on_call": {
            "type": "forward",
            "title": "On-call engineer",
            "to": ON_CALL_PHONE,
            "ring_seconds": 40,
        },
        "night": _play("Night message", "You reach our engineer on call. Calls are charged."),
        "mailbox": _voicemail("Support voicemail", "support@acme.test"),
    }
    ways = {
        "hours": {"open": "lookup" if has_lookup else "agents", "closed": "night"},
        "agents": {"timeout": "mailbox", "full": "mailbox"},
        "night": {"next": "on_call"},
        "on_call": {"no_answer": "mailbox"},
    }
    if has_lookup:
        nodes["lookup"] = {
            "type": "webhook",
            "title": "Find the contract",
            "url": "https://crm.acme.test/hooks/caller",
            "timeout_seconds": 3,
        }
        ways["lookup"] = {"ok": "agents", "failed": "agents"}
    return graph("hours", nodes, ways)


def after_hours() -> dict[str, Any]:
    return graph(
        "closed",
        {
            "closed": _play("Closed message", "Our office is closed."),
            "menu": {
                "type": "menu",
                "title": "Is it urgent?",
                "prompt": "Press 1 if it can't wait until tomorrow. Otherwise leave a message.",
                "retries": 1,
            },
            "duty": _ring("Duty manager", [ON_CALL_PHONE, "390"], 30),
            "mailbox": _voicemail("Night voicemail", "night@acme.test"),
            "bye": {"type": "hangup", "title": "End of the call", "reason": "normal"},
        },
        {
            "closed": {"next": "menu"},
            "menu": {"1": "duty", "9": "bye", "no_input": "mailbox", "invalid": "mailbox"},
            "duty": {"no_answer": "mailbox"},
        },
    )


def billing_line(trunk_id: str) -> dict[str, Any]:
    return graph(
        "hours",
        {
            "hours": _hours("09:00", "17:00", holidays=HOLIDAYS_2026_27),
            "desk": _ring("Billing desk", ["410", "411"]),
            "pbx": {"type": "trunk", "title": "Amsterdam PBX", "trunk_id": trunk_id},
            "closed": _play("Closed message", "Send your question to billing@acme.test."),
            "mailbox": _voicemail("Billing voicemail", "billing@acme.test"),
        },
        {
            "hours": {"open": "desk", "closed": "closed", "holiday": "closed"},
            "desk": {"no_answer": "pbx"},
            "pbx": {"failed": "mailbox"},
            "closed": {"next": "mailbox"},
        },
    )


def holiday_line() -> dict[str, Any]:
    """A draft that is not ready: its menu leads nowhere when nobody presses a key."""
    return graph(
        "greeting",
        {
            "greeting": _play("Season's greeting", "Happy holidays from all of us at Acme."),
            "menu": {
                "type": "menu",
                "title": "Holiday menu",
                "prompt": "Press 1 for urgent orders, 2 to leave a message, 9 to end.",
            },
            "orders": _ring("Order desk", ["205", "206"]),
            "mailbox": _voicemail("Holiday voicemail", "orders@acme.test"),
            "bye": {"type": "hangup", "title": "End of the call", "reason": "normal"},
        },
        {
            "greeting": {"next": "menu"},
            "menu": {"1": "orders", "2": "mailbox", "9": "bye"},
            "orders": {"no_answer": "mailbox"},
        },
    )


def front_desk() -> dict[str, Any]:
    return graph(
        "hours",
        {
            "hours": _hours("09:00", "17:30", zone="Europe/Berlin"),
            "desk": _ring("Front desk", ["10", "11"]),
            "mobile": {
                "type": "forward",
                "title": "Manager's mobile",
                "to": "+447700900175",
                "ring_seconds": 25,
            },
            "closed": _play("Closed message", "Globex is closed. Please leave a message."),
            "mailbox": _voicemail("Globex voicemail", "office@globex.test"),
        },
        {
            "hours": {"open": "desk", "closed": "closed"},
            "desk": {"no_answer": "mobile"},
            "mobile": {"no_answer": "mailbox", "failed": "mailbox"},
            "closed": {"next": "mailbox"},
        },
    )


def switchboard(trunk_id: str) -> dict[str, Any]:
    return graph(
        "region",
        {
            "region": {
                "type": "condition",
                "title": "Region of the caller",
                "field": "caller_number_prefix",
                "cases": ["+1", "+44"],
            },
            "americas": _queue("Americas desk", ["4001", "4002", "4003"], 240, 50),
            "britain": _queue("London desk", ["4401", "4402"], 240, 50),
            "europe": {"type": "trunk", "title": "Data centre PBX", "trunk_id": trunk_id},
            "sorry": _play("All desks busy", "All desks are busy. Please leave a message."),
            "mailbox": _voicemail("Switchboard voicemail", "switchboard@initech.test"),
        },
        {
            "region": {"+1": "americas", "+44": "britain", "default": "europe"},
            "americas": {"timeout": "europe", "full": "sorry"},
            "britain": {"timeout": "europe", "full": "sorry"},
            "europe": {"failed": "sorry"},
            "sorry": {"next": "mailbox"},
        },
    )


def service_desk(*, wait: int) -> dict[str, Any]:
    return graph(
        "menu",
        {
            "menu": {
                "type": "menu",
                "title": "Service menu",
                "prompt": "Press 1 for a new fault, 2 for the state of a ticket.",
            },
            "ticket": {
                "type": "webhook",
                "title": "Tell the ticket's state",
                "url": "https://desk.initech.test/voice/ticket",
                "timeout_seconds": 5,
            },
            "engineers": _queue("Engineers", ["5001", "5002", "5003"], wait, 40),
            "bye": {"type": "hangup", "title": "Ticket told", "reason": "normal"},
            "mailbox": _voicemail("Service voicemail", "desk@initech.test"),
        },
        {
            "menu": {"1": "engineers", "2": "ticket", "no_input": "engineers", "invalid": "menu"},
            "ticket": {"ok": "bye", "failed": "engineers"},
            "engineers": {"timeout": "mailbox", "full": "mailbox"},
        },
    )
