"""A call that is cut off on its way, with everything around it made up."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from audit.record import Outcome
from mcp_access import asgi, authentication, gate, pipeline
from mcp_access.authentication import Authenticated


@pytest.mark.parametrize(
    ("error", "code"),
    [(asyncio.CancelledError(), "interrupted"), (None, "invalid_request")],
    ids=["the client left", "the SDK refused it"],
)
def test_the_log_tells_what_was_cut_off_from_what_was_refused(
    monkeypatch: pytest.MonkeyPatch, error: BaseException | None, code: str
) -> None:
    story: list[object] = []

    async def given(value: Any) -> Any:
        return value

    async def hand_over(scope: object, receive: object, send: Any, *arguments: object) -> None:
        if error is not None:
            raise error
        await send({"type": "http.response.start", "status": 400, "headers": []})

    async def close(call: Any, outcome: Outcome) -> None:
        call.is_closed = True
        story.append(outcome)

    async def client(message: dict[str, Any]) -> None:
        story.append(message["status"])

    found = Authenticated(principal=SimpleNamespace(), last_used_at=None, last_used_tool="")  # type: ignore[arg-type]
    call = SimpleNamespace(burst=None, is_closed=False, duration_ms=7)
    request = SimpleNamespace(tool_name="whoami", client_label="", wants_stream=False)
    monkeypatch.setattr(asgi, "_check_hygiene", lambda *_: given(None))
    monkeypatch.setattr(asgi, "_hand_over", hand_over)
    monkeypatch.setattr(authentication, "authenticate", lambda *_: given(found))
    monkeypatch.setattr(authentication, "remember_use", lambda *_, **__: None)
    monkeypatch.setattr(gate, "read_request", lambda *_, **__: given(request))
    monkeypatch.setattr(gate, "admit", lambda *_: given(call))
    monkeypatch.setattr(pipeline, "close", close)
    scope = {"type": "http", "method": "POST", "headers": [], "client": ("127.0.0.1", 1)}

    async def serve() -> None:
        await asgi.McpEndpoint()(scope, lambda: given({}), client)

    if error is None:
        asyncio.run(serve())
    else:
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(serve())
    # Who was answered finds the call in the log at its end.
    ended = Outcome(status="error", error_code=code, duration_ms=7)
    assert story == ([ended, 400] if error is None else [ended])
