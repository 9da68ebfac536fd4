"""The web that client documents are on, without a network."""

from __future__ import annotations

import io
import json
import socket
import uuid
from typing import Any

import pytest
import urllib3
from oauth2_provider import cimd as library
from oauth2_provider.models import Application

from mcp_access.models import OAuthAttempt

CLIENT_ID = "https://app.example/oauth/client.json"
CALLBACK = "https://app.example/callback"
PUBLIC_ADDRESS = "93.184.216.34"


class Web:
    """What DNS and the servers of the world say, at the lowest seam of the library."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.addresses = [PUBLIC_ADDRESS]
        self.document: Any = {
            "client_id": CLIENT_ID,
            "client_name": "Example",
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
        }
        self.body: bytes | None = None  # in place of the document
        self.status = 200
        self.headers = {"Content-Type": "application/json"}
        self.failure: Exception | None = None
        self.looked_up: list[str] = []
        self.requests: list[tuple[str, int, str, str]] = []  # address, port, host, path

        class Sockets:
            getaddrinfo = staticmethod(self.resolve)
            gaierror = socket.gaierror
            IPPROTO_TCP = socket.IPPROTO_TCP

        def urlopen(pool: urllib3.HTTPSConnectionPool, *args: Any, **options: Any) -> Any:
            return self.answer(pool, *args, **options)

        monkeypatch.setattr(library, "socket", Sockets)
        monkeypatch.setattr(urllib3.HTTPSConnectionPool, "urlopen", urlopen)
        # The memory of failures is in the cache, which no test's end rolls back.
        monkeypatch.setattr(library, "BACKOFF_CACHE_PREFIX", f"test:{uuid.uuid4()}:")

    def resolve(self, host: str, port: int, **_: Any) -> list[Any]:
        self.looked_up.append(host)
        if not self.addresses:
            raise socket.gaierror("no such host")
        return [(2, 1, 6, "", (address, port)) for address in self.addresses]

    def answer(
        self, pool: urllib3.HTTPSConnectionPool, method: str, url: str, **options: Any
    ) -> urllib3.HTTPResponse:
        assert (method, options["redirect"]) == ("GET", False)
        self.requests.append((pool.host, pool.port or 0, options["headers"]["Host"], url))
        if self.failure:
            raise self.failure
        body = json.dumps(self.document).encode() if self.body is None else self.body
        return urllib3.HTTPResponse(
            io.BytesIO(body), headers=self.headers, status=self.status, preload_content=False
        )


def check_refused(answer: Any, client_id: str = CLIENT_ID) -> None:
    """An error page, no redirect; nothing is kept but that it was tried."""
    assert answer.status_code == 400, answer.status_code
    assert "Location" not in answer
    assert answer["Content-Type"].startswith("text/html")
    assert not Application.objects.exists()
    attempt = OAuthAttempt.objects.latest("id")
    assert (attempt.ok, attempt.reason, attempt.client_id) == (False, "invalid_client", client_id)
