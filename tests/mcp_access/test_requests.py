"""A POST's body, before anybody looks at what it asks for."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from cliqtel_portal.ids import uuid7
from mcp_access import gate
from mcp_access.replies import Refusal


def read(message: dict[str, Any]) -> gate.Request:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    return asyncio.run(gate.read_request({}, receive, call_id=uuid7()))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, "jsonrpc"),
        ({"id": 1}, "method"),
        ({"id": 1, "result": 7}, "method"),
        ({"id": 1, "method": None}, "method"),
        ({"id": None, "method": "ping"}, "id"),
        ({"id": 1.5, "method": "ping"}, "id"),
        ({"id": True, "method": "ping"}, "id"),
        ({"id": [1], "method": "ping"}, "id"),
        ({"id": 1, "method": "tools/call", "params": [1]}, "params"),
        ({"id": 1, "method": "tools/call", "params": "x"}, "params"),
    ],
)
def test_what_is_no_request_is_told_which_member_is_wrong(
    message: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refusal) as caught:
        read(message)
    answer = json.loads(caught.value.body)
    assert caught.value.status == 400
    assert f'"{words}"' in answer["error"]["message"]
    assert answer["id"] == (1 if message.get("id") == 1 and message["id"] is not True else None)


@pytest.mark.parametrize(
    "message",
    [
        {"id": "a", "method": "ping"},
        {"id": 1, "method": "ping", "params": None},
        {"method": "notifications/initialized"},
        {"id": 1, "result": {}},
        {"id": None, "error": {"code": -32700, "message": "?"}},
    ],
)
def test_requests_notifications_and_answers_pass(message: dict[str, Any]) -> None:
    assert read(message).message == {"jsonrpc": "2.0", **message}
