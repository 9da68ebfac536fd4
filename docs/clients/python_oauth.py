"""Signs a person in to Cliqtel from nothing but the URL, then calls it as that person.

python python_oauth.py http://127.0.0.1:8000/mcp
"""

from __future__ import annotations

import asyncio
import sys
import threading
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)


class MemoryStorage:
    """Forgets at the end. To be asked once a month only, keep both where other users can't read."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Loopback:
    """Where the browser comes back to: a server on this computer, for one answer."""

    def __init__(self) -> None:
        answers: Queue[dict[str, str]] = Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                is_callback = parts.path == "/callback"
                self.send_response(200 if is_callback else 404)
                self.end_headers()
                if is_callback:
                    self.wfile.write(b"You can close this window.")
                    answers.put(dict(parse_qsl(parts.query)))

            def log_message(self, *args: Any) -> None:
                """Nothing: the address holds the code."""

        self._answers = answers
        # Port 0: any that is free. Another port needs no new registration (RFC 8252, 7.3).
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}/callback"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    async def wait(self) -> AuthorizationCodeResult:
        answer = await asyncio.to_thread(self._answers.get)
        if "code" not in answer:
            print(f"Not allowed: {answer.get('error')}", file=sys.stderr)
        # The SDK compares state and iss with what it sent, and refuses an empty code.
        return AuthorizationCodeResult(
            code=answer.get("code", ""), state=answer.get("state"), iss=answer.get("iss")
        )


async def open_browser(url: str) -> None:
    print(f"Sign in at {url}", flush=True)
    webbrowser.open(url)


async def main(url: str) -> None:
    loopback = Loopback()
    metadata = OAuthClientMetadata.model_validate(
        {
            "client_name": "Python sample",
            "redirect_uris": [loopback.url],
            "token_endpoint_auth_method": "none",
        }
    )
    # Finds the authorization server, registers there, uses PKCE, and renews the token.
    provider = OAuthClientProvider(url, metadata, MemoryStorage(), open_browser, loopback.wait)
    async with (
        httpx2.AsyncClient(auth=provider, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        tools = (await client.list_tools()).tools
        print(f"{len(tools)} tools: {', '.join(tool.name for tool in tools)}")
        for name, arguments in [("whoami", {}), ("list_inventory", {"limit": 5})]:
            result = await client.call_tool(name, arguments)
            print(f"{name}: {result.structured_content}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python python_oauth.py URL")
    asyncio.run(main(sys.argv[1]))
