"""Calls Cliqtel with a token: no browser, for scripts and servers.

CLIQTEL_TOKEN=ct_mcp_... python python_bearer.py http://127.0.0.1:8000/mcp
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def main(url: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        tools = (await client.list_tools()).tools
        print(f"{len(tools)} tools: {', '.join(tool.name for tool in tools)}")

        me = await call(client, "whoami")
        print(f"{me['user']['name']} of {me['tenant']['name']}, scopes: {' '.join(me['scopes'])}")

        page = await call(client, "list_inventory", kind="numbers", limit=5)
        for number in page["numbers"]:
            print(f"{number['number']}  {number['status']}")


async def call(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    """The tool's result as data. A refusal ends the program with its code and what to do next."""
    result = await client.call_tool(name, arguments)
    content = result.structured_content or {}
    if result.is_error:
        error = content["error"]
        sys.exit(f"{name}: {error['code']}: {error['message']}")
    return content


if __name__ == "__main__":
    if len(sys.argv) != 2 or "CLIQTEL_TOKEN" not in os.environ:
        sys.exit("Usage: CLIQTEL_TOKEN=ct_mcp_... python python_bearer.py URL")
    asyncio.run(main(sys.argv[1], os.environ["CLIQTEL_TOKEN"]))
