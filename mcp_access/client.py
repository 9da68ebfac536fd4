"""The SDK as a client, for `manage.py mcp_call`, self-tests and the suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import Implementation

from cliqtel_portal import __version__

TIMEOUT_SECONDS = 60.0


class CallFailed(Exception):
    """There is no result; str() says why in words for a person."""


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
    """Call one tool; return its structured content and whether it is an error.

    Raises:
        CallFailed: the server did not answer, or refused the call before the tool.
    """
    if not (token.isascii() and token.isprintable()):
        # Such as the masked form that the token list shows.
        raise CallFailed("That is no token: it has characters that no token has.")
    try:
        async with connect(url, token) as client:
            result = await client.call_tool(tool, arguments)
    except (MCPError, httpx2.HTTPError, ExceptionGroup) as error:
        raise CallFailed(_words(error)) from error
    return dict(result.structured_content or {}), bool(result.is_error)


def _words(error: BaseException) -> str:
    """The first cause's words: task groups wrap what happened inside them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, MCPError):
        return error.message
    if isinstance(error, httpx2.ConnectError):
        return "Nothing answers at that address. Is the server running?"
    return f"The request failed: {type(error).__name__}."
