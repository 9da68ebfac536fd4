"""What is pasted into AI hosts, character for character, with the running endpoint in it.

A token goes into text that is copied, never into a link: links end up in logs and histories.
"""

from __future__ import annotations

import base64
import json
import shlex
from typing import Any
from urllib.parse import quote

from django.conf import settings

NAME = "cliqtel"
_PYTHON = """\
import asyncio

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

URL = {url}
HEADERS = {{"Authorization": {bearer}}}


async def main() -> None:
    async with (
        httpx2.AsyncClient(headers=HEADERS, timeout=30) as http,
        Client(streamable_http_client(URL, http_client=http)) as client,
    ):
        result = await client.call_tool("whoami", {{}})
        print(result.structured_content)


asyncio.run(main())"""
_TYPESCRIPT = """\
import {{ Client, StreamableHTTPClientTransport }} from "@modelcontextprotocol/client";

const transport = new StreamableHTTPClientTransport(new URL({url}), {{
  requestInit: {{ headers: {{ Authorization: {bearer} }} }},
}});
const client = new Client({{ name: "my-program", version: "1.0.0" }});
await client.connect(transport);
const result = await client.callTool({{ name: "whoami", arguments: {{}} }});
console.log(result.structuredContent);
await client.close();"""


def endpoint() -> str:
    return str(settings.MCP_RESOURCE_URL)


def bearer(token: str) -> str:
    return f"Bearer {token}"


def claude_code(token: str = "") -> str:
    line = f"claude mcp add --transport http {NAME} {endpoint()}"
    return f'{line} \\\n  --header "Authorization: {bearer(token)}"' if token else line


def claude_project() -> str:
    """`.mcp.json`, which is checked in: so never with a token."""
    return pretty({"mcpServers": {NAME: {"type": "http", "url": endpoint()}}})


def claude_desktop(token: str) -> str:
    return pretty(
        {
            "mcpServers": {
                NAME: {
                    "command": "npx",
                    # No blank in an argument: Windows would split it.
                    "args": [
                        "-y",
                        "mcp-remote",
                        endpoint(),
                        "--header",
                        "Authorization:${CLIQTEL_AUTH}",
                    ],
                    "env": {"CLIQTEL_AUTH": bearer(token)},
                }
            }
        }
    )


def cursor(token: str = "") -> str:
    return pretty({"mcpServers": {NAME: _server(token)}})


def cursor_link() -> str:
    """Opens Cursor, which asks before it installs."""
    config = quote(base64.b64encode(_compact(_server()).encode()).decode(), safe="")
    return f"cursor://anysphere.cursor-deeplink/mcp/install?name={NAME}&config={config}"


def vs_code(token: str = "") -> str:
    return pretty({"servers": {NAME: {"type": "http", **_server(token)}}})


def vs_code_link() -> str:
    """Opens VS Code, which asks before it installs."""
    return "vscode:mcp/install?" + quote(
        _compact({"name": NAME, "type": "http", "url": endpoint()}), safe=""
    )


def vs_code_line() -> str:
    config = _compact({"name": NAME, "type": "http", "url": endpoint()})
    return f"code --add-mcp {shlex.quote(config)}"


def openai(token: str) -> str:
    return _post(
        "https://api.openai.com/v1/responses",
        ["Authorization: Bearer $OPENAI_API_KEY"],
        {
            "model": "YOUR_MODEL",
            "input": "Which numbers do I have?",
            "tools": [
                {
                    "type": "mcp",
                    "server_label": NAME,
                    "server_url": endpoint(),
                    "authorization": token,
                    "require_approval": "never",
                }
            ],
        },
    )


def claude_api(token: str) -> str:
    return _post(
        "https://api.anthropic.com/v1/messages",
        [
            "x-api-key: $ANTHROPIC_API_KEY",
            "anthropic-version: 2023-06-01",
            "anthropic-beta: mcp-client-2025-11-20",
        ],
        {
            "model": "YOUR_MODEL",
            "max_tokens": 1000,
            "messages": [{"role": "user", "content": "Which numbers do I have?"}],
            "mcp_servers": [
                {
                    "type": "url",
                    "url": endpoint(),
                    "name": NAME,
                    "authorization_token": token,
                }
            ],
            "tools": [{"type": "mcp_toolset", "mcp_server_name": NAME}],
        },
    )


def python(token: str) -> str:
    return _PYTHON.format(url=json.dumps(endpoint()), bearer=json.dumps(bearer(token)))


def typescript(token: str) -> str:
    return _TYPESCRIPT.format(url=json.dumps(endpoint()), bearer=json.dumps(bearer(token)))


def curl(token: str) -> str:
    return (
        f"curl -sS {endpoint()} \\\n"
        f'  -H "Authorization: {bearer(token)}" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        '  -H "Accept: application/json, text/event-stream" \\\n'
        """  -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","""
        """"params":{"name":"whoami","arguments":{}}}'"""
    )


def inspector(token: str = "") -> str:
    if not token:
        return f"npx @modelcontextprotocol/inspector --transport http --server-url {endpoint()}"
    return (
        f"npx @modelcontextprotocol/inspector --cli {endpoint()} \\\n"
        "  --transport http --method tools/list \\\n"
        f'  --header "Authorization: {bearer(token)}"'
    )


def pretty(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _compact(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _server(token: str = "") -> dict[str, Any]:
    headers = {"headers": {"Authorization": bearer(token)}} if token else {}
    return {"url": endpoint(), **headers}


def _post(url: str, headers: list[str], body: dict[str, Any]) -> str:
    lines = [f"curl -sS {url}"]
    # Double quotes: the shell puts the key of the other service in.
    lines += [f'  -H "{header}"' for header in ["Content-Type: application/json", *headers]]
    # No value here has a single quote in it.
    return " \\\n".join([*lines, f"  -d '{pretty(body)}'"])
