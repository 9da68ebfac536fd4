"""Who may knock at a socket, without opening one."""

from __future__ import annotations

import pytest

from cliqtel_portal import asgi, routing

HEADERS = [(b"host", b"portal.example"), (b"origin", b"https://portal.example")]


async def knock(application, headers, path="/ws/events/"):
    """What is sent back, and whether the socket's own code was asked."""
    sent: list[str] = []

    async def send(message):
        sent.append(message["type"])

    async def receive():
        return {"type": "websocket.connect"}

    await application({"type": "websocket", "path": path, "headers": headers}, receive, send)
    return sent


@pytest.fixture
def opened(monkeypatch):
    """Paths that got through."""
    paths: list[str] = []

    async def events(scope, receive, send):
        paths.append(scope["path"])

    monkeypatch.setitem(routing._ROUTES, "/ws/events/", events)
    return paths


@pytest.mark.parametrize(
    ("issuer", "origin", "is_welcome"),
    [
        ("https://portal.example", "https://portal.example", True),
        ("https://Portal.example:443", "https://portal.example", True),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", True),
        ("http://127.0.0.1:8000", "http://localhost:8000", False),
        ("https://portal.example", "http://portal.example", False),
        ("https://portal.example", "https://portal.example:8443", False),
        ("https://portal.example", "https://portal.example.evil.example", False),
        ("https://portal.example", "https://a.portal.example", False),
        ("https://portal.example", "null", False),
        ("https://portal.example", "", False),
    ],
)
async def test_the_origin_has_to_be_ours(settings, opened, issuer, origin, is_welcome):
    settings.OAUTH_ISSUER = issuer
    sent = await knock(routing.Doorkeeper(), [(b"origin", origin.encode())])
    assert bool(opened) is is_welcome
    assert sent == ([] if is_welcome else ["websocket.close"])


@pytest.mark.parametrize(
    ("issuer", "host", "origin", "is_welcome"),
    [
        ("http://127.0.0.1:8000", "localhost:8000", "http://localhost:8000", True),
        ("http://localhost:8000", "[::1]:8000", "http://[::1]:8000", True),
        ("http://127.0.0.1", "localhost", "http://localhost", True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", "http://localhost:8000", False),
        ("http://127.0.0.1:8000", "localhost:3000", "http://localhost:3000", False),
        ("http://127.0.0.1:8000", "localhost:8000", "https://localhost:8000", False),
        ("http://127.0.0.1:8000", "localhost:8000", "http://x@localhost:8000", False),
        ("http://127.0.0.1:8000", "localhost:99999", "http://localhost:99999", False),
        ("http://127.0.0.1:8000", "[::1:8000", "http://[::1:8000", False),
        ("http://127.0.0.1:8000", "rebound.example:8000", "http://rebound.example:8000", False),
        ("https://portal.example", "localhost", "https://localhost", False),
    ],
)
async def test_a_page_under_another_name_of_this_machine_talks_to_itself(
    settings, opened, issuer, host, origin, is_welcome
):
    settings.OAUTH_ISSUER = issuer
    headers = [(b"host", host.encode()), (b"origin", origin.encode())]
    await knock(routing.Doorkeeper(), headers)
    assert bool(opened) is is_welcome


@pytest.mark.parametrize(
    "headers",
    [[], HEADERS + HEADERS, [*HEADERS, (b"authorization", b"Bearer x")], HEADERS[:1]],
)
async def test_no_origin_two_or_a_token_are_refused(settings, opened, headers):
    settings.OAUTH_ISSUER = "https://portal.example"
    assert await knock(routing.Doorkeeper(), headers) == ["websocket.close"]
    assert opened == []


async def test_with_two_origins_sockets_are_the_portals_only(settings, opened):
    settings.OAUTH_ISSUER = "https://portal.example"
    settings.MCP_RESOURCE_URL = "https://mcp.example/mcp"
    application = asgi.Application()
    at_resource = [(b"host", b"mcp.example"), HEADERS[1]]
    assert await knock(application, at_resource) == ["websocket.close"]
    assert opened == []
    await knock(application, HEADERS)
    assert opened == ["/ws/events/"]
