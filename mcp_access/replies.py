"""Answers that the endpoint gives by itself, in place of the SDK."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

# JSON-RPC codes of our own, in the range that the specification leaves to implementations and
# beside those that MCP has taken.
RATE_LIMITED = -32029
INSUFFICIENT_SCOPE = -32043
UNAUTHORIZED = -32041
UNAVAILABLE = -32050


class Refusal(Exception):
    """Stop here and answer this. Carries an HTTP status and, mostly, a JSON-RPC error."""

    def __init__(
        self,
        status: int,
        *,
        code: int | None = None,
        message: str = "",
        data: dict[str, Any] | None = None,
        headers: Sequence[Header] = (),
        request_id: Any = None,
    ) -> None:
        super().__init__(status)
        self.status = status
        self.headers = list(headers)
        # For counting: a word of ours, as all `data["code"]` are.
        self.reason = str((data or {}).get("code", ""))
        self.body = b""
        if code is not None:
            error: dict[str, Any] = {"code": code, "message": message}
            if data is not None:
                error["data"] = data
            payload = {"jsonrpc": "2.0", "id": _echo(request_id), "error": error}
            self.body = json.dumps(payload, separators=(",", ":")).encode("ascii")

    async def send(self, send: Send) -> None:
        headers = [(b"content-length", str(len(self.body)).encode()), *self.headers]
        if self.body:
            headers += [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def _echo(request_id: Any) -> str | int | None:
    """The request's id where it is one (JSON-RPC 2.0 section 5)."""
    if isinstance(request_id, bool):
        return None
    return request_id if isinstance(request_id, (str, int)) else None
