"""What to type or paste into each AI host: the endpoint alone to sign in, or with a token."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings

# Words, not a token's form: what is pasted without being replaced can't be mistaken for one.
PLACEHOLDER = "YOUR_TOKEN"


@dataclass(frozen=True, kw_only=True)
class Host:
    """One way to connect. `where`: what to open; `snippet`: what goes there, whole and exact.

    `with_token` is the alternative to signing in; a way that is one itself has none.
    """

    key: str
    title: str
    subtitle: str
    where: str
    snippet: str
    note: str = ""
    with_token: Host | None = None


def sign_in_hosts() -> list[Host]:
    """Every host, by signing in where it can, in the order of the overview."""
    endpoint = settings.MCP_RESOURCE_URL
    tokens = {host.key: host for host in hosts()}
    return [
        Host(
            key="claude",
            title="Claude",
            subtitle="claude.ai, Desktop, phone",
            where=(
                "Settings → Connectors → Add custom connector. Paste the URL, choose Connect and "
                "sign in."
            ),
            snippet=endpoint,
            note="Claude calls the endpoint from Anthropic's network, so it must be reachable "
            "there.",
            with_token=tokens["claude"],
        ),
        Host(
            key="claude-code",
            title="Claude Code",
            subtitle="In the terminal",
            where="Run this once, then type /mcp in Claude Code, choose cliqtel and sign in.",
            snippet=f"claude mcp add --transport http cliqtel {endpoint}",
            with_token=tokens["claude-code"],
        ),
        Host(
            key="chatgpt",
            title="ChatGPT",
            subtitle="Apps, Responses API",
            where=(
                "Settings → Apps → Advanced settings: switch on Developer mode. Then Create, "
                "Authentication OAuth, paste the URL and sign in."
            ),
            snippet=endpoint,
            note="OpenAI calls the endpoint from its own network, so it must be reachable there.",
            with_token=tokens["chatgpt"],
        ),
        Host(
            key="cursor",
            title="Cursor",
            subtitle="Editor",
            where=(
                "In ~/.cursor/mcp.json, or .cursor/mcp.json of one project. Then sign in from "
                "Cursor's MCP settings."
            ),
            snippet=_json({"mcpServers": {"cliqtel": {"url": endpoint}}}),
            with_token=tokens["cursor"],
        ),
        Host(
            key="vs-code",
            title="VS Code",
            subtitle="GitHub Copilot chat",
            where="Command palette → MCP: Open User Configuration. Start the server and sign in.",
            snippet=_json({"servers": {"cliqtel": {"type": "http", "url": endpoint}}}),
            with_token=tokens["vs-code"],
        ),
        Host(
            key="copilot-studio",
            title="Copilot Studio",
            subtitle="Microsoft agents",
            where=(
                "Tools → Add a tool → Model Context Protocol. Paste the URL. Authentication: "
                "OAuth 2.0, type Dynamic discovery. Then create a connection and sign in."
            ),
            snippet=endpoint,
            note="Microsoft calls it from its own network, so it must be reachable there.",
            with_token=tokens["copilot-studio"],
        ),
        tokens["curl"],
    ]


def hosts(token: str = PLACEHOLDER) -> list[Host]:
    """Every host that works with a token, in the order of the overview."""
    endpoint = settings.MCP_RESOURCE_URL
    bearer = f"Bearer {token}"
    return [
        Host(
            key="claude-code",
            title="Claude Code",
            subtitle="In the terminal",
            where="Run this once, then type /mcp in Claude Code.",
            snippet=(
                f"claude mcp add --transport http cliqtel {endpoint} \\\n"
                f'  --header "Authorization: {bearer}"'
            ),
        ),
        Host(
            key="claude",
            title="Claude",
            subtitle="Claude Desktop",
            where="Settings → Developer → Edit config, then restart Claude. Needs Node.js.",
            snippet=_json(
                {
                    "mcpServers": {
                        "cliqtel": {
                            "command": "npx",
                            # No blank in an argument: Windows would split it.
                            "args": [
                                "-y",
                                "mcp-remote",
                                endpoint,
                                "--header",
                                "Authorization:${CLIQTEL_AUTH}",
                            ],
                            "env": {"CLIQTEL_AUTH": bearer},
                        }
                    }
                }
            ),
        ),
        Host(
            key="chatgpt",
            title="ChatGPT",
            subtitle="OpenAI Responses API",
            where="A member of “tools” in your request.",
            snippet=_json(
                {
                    "type": "mcp",
                    "server_label": "cliqtel",
                    "server_url": endpoint,
                    "authorization": token,
                    "require_approval": "never",
                }
            ),
            note="OpenAI calls the endpoint from its own network, so it must be reachable there.",
        ),
        Host(
            key="copilot-studio",
            title="Copilot Studio",
            subtitle="Microsoft agents",
            where=(
                "Tools → Add a tool → Model Context Protocol. Authentication: API key, type "
                "Header, header name Authorization. Then, as the key, with the word Bearer:"
            ),
            snippet=bearer,
            note=f"Server URL: {endpoint}. Microsoft calls it from its own network.",
        ),
        Host(
            key="cursor",
            title="Cursor",
            subtitle="Editor",
            where="In ~/.cursor/mcp.json, or .cursor/mcp.json of one project.",
            snippet=_json(
                {"mcpServers": {"cliqtel": {"url": endpoint, "headers": {"Authorization": bearer}}}}
            ),
        ),
        Host(
            key="vs-code",
            title="VS Code",
            subtitle="GitHub Copilot chat",
            where="Command palette → MCP: Open User Configuration.",
            snippet=_json(
                {
                    "servers": {
                        "cliqtel": {
                            "type": "http",
                            "url": endpoint,
                            "headers": {"Authorization": bearer},
                        }
                    }
                }
            ),
        ),
        Host(
            key="curl",
            title="curl",
            subtitle="To see that it works",
            where="Calls whoami: which account, which scopes, which limits are left.",
            snippet=(
                f"curl -sS {endpoint} \\\n"
                f'  -H "Authorization: {bearer}" \\\n'
                '  -H "Content-Type: application/json" \\\n'
                '  -H "Accept: application/json, text/event-stream" \\\n'
                """  -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","""
                """"params":{"name":"whoami","arguments":{}}}'"""
            ),
        ),
    ]


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
