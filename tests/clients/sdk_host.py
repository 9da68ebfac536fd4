"""An AI host on the official Python SDK, given nothing but the URL."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio.to_thread
import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

from tests.clients.person import Person

REDIRECT_URI = "http://localhost:53682/callback"  # nothing listens: the person brings the answer


class Storage:
    """What a host keeps on disk between its runs."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class SdkHost:
    """`trace` is every answer as (method, path, status), in order.

    The person allows what is asked except the scopes in `untick`; with `is_patient` off, cancels.
    """

    def __init__(self, url: str, person: Person, **metadata: Any) -> None:
        self.url = url
        self.person = person
        self.storage = Storage()
        self.untick: Collection[str] = ()
        self.is_patient = True
        self.trace: list[tuple[str, str, int]] = []
        self._callback = ""
        self._metadata = {
            "client_name": "Host on the Python SDK",
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "none",
            **metadata,
        }
        self.start()

    def start(self) -> None:
        """As after a restart of the host: only what it stored is left."""
        self._provider = OAuthClientProvider(
            self.url,
            OAuthClientMetadata.model_validate(self._metadata),
            self.storage,
            redirect_handler=self._open_browser,
            callback_handler=self._read_callback,
        )

    @asynccontextmanager
    async def connect(self, mode: str = "auto") -> AsyncIterator[Client]:
        hooks = {"response": [self._record]}
        async with (
            httpx2.AsyncClient(auth=self._provider, timeout=30, event_hooks=hooks) as http,
            Client(
                streamable_http_client(self.url, http_client=http), mode=mode, cache=None
            ) as client,
        ):
            yield client

    @property
    def tokens(self) -> OAuthToken:
        assert self.storage.tokens is not None
        return self.storage.tokens

    @property
    def scopes(self) -> set[str]:
        return set((self.tokens.scope or "").split())

    def forget_expiry(self) -> None:
        """The SDK renews by its own clock: let it strike now."""
        self._provider.context.token_expiry_time = time.time() - 1

    async def _open_browser(self, url: str) -> None:
        def visit() -> str:
            if self.is_patient:
                return self.person.allow(url, untick=self.untick)
            return self.person.cancel(url)

        self._callback = await anyio.to_thread.run_sync(visit)

    async def _read_callback(self) -> AuthorizationCodeResult:
        assert self._callback.startswith(f"{REDIRECT_URI}?")
        query = {name: value for name, [value] in parse_qs(urlsplit(self._callback).query).items()}
        # The SDK has no field for an error; without a code it ends the flow.
        return AuthorizationCodeResult(
            code=query.get("code", ""), state=query["state"], iss=query["iss"]
        )

    async def _record(self, response: httpx2.Response) -> None:
        request = response.request
        self.trace.append((request.method, request.url.path, response.status_code))
