"""The SDK as a client, for `manage.py mcp_call`, self-tests and the suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation

from cliqtel_portal import __version__

TIMEOUT_SECONDS = 60.0


@asynccontextmanager
async def connect(url: str, token: str, *, mode: str = "auto") -> AsyncIterator[Client]:
    """A connected client. `mode`: "auto", "legacy" (2025-11-25) or a version such as 2026-07-28."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=TIMEOUT_SECONDS) as http,
        Client(
            streamable_http_client(url, http_client=http),
            mode=mode,
            client_info=Implementation(name="cliqtel-mcp-call", version=__version__),
            cache=None,
        ) as client,
    ):
        yield client


async def call_once(
    url: str, token: str, tool: str, arguments: dict[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Call one tool; return its structured content and whether it is an error."""
    async with connect(url, token) as client:
        result = await client.call_tool(tool, arguments)
    return dict(result.structured_content or {}), bool(result.is_error)
