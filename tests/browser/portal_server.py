"""A whole portal for a browser: daphne with sockets, and a host's calls to its `/mcp`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from cliqtel_portal.accounts.models import Membership
from tests.factories.mcp_access import EVERY_SCOPE, make_token
from tests.wire import daphne, free_port


class _NoChange:
    """pytest-django switches a live server's own settings on and off; ours has its environment."""

    def enable(self) -> None: ...

    def disable(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Portal:
    """Stands in for `live_server`."""

    url: str
    _live_server_modified_settings = _NoChange()

    def host_of(self, member: Membership) -> Host:
        """An AI host with a token of that person."""
        _, token = make_token(member, scopes=EVERY_SCOPE, resource=[f"{self.url}/mcp"])
        return Host(url=f"{self.url}/mcp", token=token)


@dataclass(frozen=True, kw_only=True)
class Host:
    url: str
    token: str

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the structured content."""
        answer = httpx2.post(
            self.url,
            headers={
                "accept": "application/json, text/event-stream",
                "authorization": f"Bearer {self.token}",
                "mcp-protocol-version": "2025-11-25",
            },
            json={
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": tool, "arguments": arguments},
            },
            timeout=30,
        )
        content: dict[str, Any] = answer.json()["result"]["structuredContent"]
        return content


@contextmanager
def running_portal() -> Iterator[Portal]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # Sockets and cookies are bound to the issuer's origin.
    names = {"OAUTH_ISSUER": url, "MCP_RESOURCE_URL": f"{url}/mcp"}
    with daphne(port=port, RATE_LIMIT_SELF_TEST="1000/m", **names):
        yield Portal(url=url)
