"""The protected resource: its document (RFC 9728), its name, and its own host."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from cliqtel_portal.asgi import Application
from mcp_access.oauth import resource

PATH = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"
PATHS = [PATH, f"{PATH}/mcp"]
ISSUER_HOST = "cliqtel.example"
RESOURCE_HOST = "mcp.cliqtel.example"


@pytest.mark.parametrize("path", PATHS)
def test_the_whole_document_is_this(client: Client, settings: LazySettings, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == {
        "resource": "http://127.0.0.1:8000/mcp",
        "authorization_servers": ["http://127.0.0.1:8000"],
        "scopes_supported": list(settings.MCP_SCOPES),
        "bearer_methods_supported": ["header"],
        "resource_name": "Cliqtel AI Access",
        "resource_documentation": "http://127.0.0.1:8000/docs/",
    }


@pytest.mark.parametrize("path", PATHS)
def test_renewing_is_no_scope_of_the_resource(client: Client, path: str) -> None:
    assert "offline_access" not in client.get(path).json()["scopes_supported"]
    assert "offline_access" in client.get(SERVER).json()["scopes_supported"]


@pytest.mark.parametrize("path", PATHS)
def test_it_names_the_settings_exactly(client: Client, settings: LazySettings, path: str) -> None:
    settings.OAUTH_ISSUER = f"https://{ISSUER_HOST}"
    settings.MCP_RESOURCE_URL = f"https://{RESOURCE_HOST}/mcp"
    found = client.get(path).json()
    assert found["resource"] == f"https://{RESOURCE_HOST}/mcp"
    assert found["authorization_servers"] == [f"https://{ISSUER_HOST}"]
    assert client.get(SERVER).json()["protected_resources"] == [found["resource"]]


# -- its name -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name",
    [
        "https://mcp.cliqtel.example/mcp",
        "https://mcp.cliqtel.example/mcp/",
        "https://mcp.cliqtel.example:443/mcp",
        "https://MCP.Cliqtel.Example/mcp",
        "HTTPS://mcp.cliqtel.example/mcp",
    ],
)
def test_ours_by_any_spelling_that_means_the_same(settings: LazySettings, name: str) -> None:
    settings.MCP_RESOURCE_URL = f"https://{RESOURCE_HOST}/mcp"
    assert resource.is_ours(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "mcp",
        "https://mcp.cliqtel.example",
        "https://mcp.cliqtel.example/",
        "https://mcp.cliqtel.example/mcp//",
        "https://mcp.cliqtel.example//mcp",
        "https://mcp.cliqtel.example/MCP",
        "https://mcp.cliqtel.example/mcp/x",
        "https://mcp.cliqtel.example/x/../mcp",
        "https://mcp.cliqtel.example/%6dcp",
        "https://mcp.cliqtel.example/mcp?x=1",
        "https://mcp.cliqtel.example/mcp#x",
        "https://mcp.cliqtel.example:8443/mcp",
        "https://mcp.cliqtel.example:99999/mcp",
        "https://mcp.cliqtel.example:x/mcp",
        "https://mcp.cliqtel.example./mcp",
        "http://mcp.cliqtel.example/mcp",
        "http://mcp.cliqtel.example:443/mcp",
        "https://x@mcp.cliqtel.example/mcp",
        "https://cliqtel.example/mcp",
        "https://mcp.cliqtel.example.evil.example/mcp",
        "https://[::1/mcp",
        "//mcp.cliqtel.example/mcp",
        "https://mcp.cliqtel.example/mcp https://evil.example/",
        "https://mcp.cliqtel.example\x00/mcp",
    ],
)
def test_anything_else_is_not_ours(settings: LazySettings, name: str) -> None:
    settings.MCP_RESOURCE_URL = f"https://{RESOURCE_HOST}/mcp"
    assert not resource.is_ours(name)


# -- two origins ----------------------------------------------------------------------------------
@pytest.fixture
def two_origins(settings: LazySettings) -> Application:
    settings.OAUTH_ISSUER = f"https://{ISSUER_HOST}"
    settings.MCP_RESOURCE_URL = f"https://{RESOURCE_HOST}/mcp"
    settings.ALLOWED_HOSTS = [ISSUER_HOST, RESOURCE_HOST, "other.example"]
    return Application()


async def ask(
    application: Application, host: str, path: str, method: str = "GET"
) -> tuple[int, bytes]:
    """Status and body, as a server would send them."""
    sent: list[Any] = []
    headers = [(b"host", host.encode("latin-1")), (b"content-type", b"application/json")]

    body = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not body:
            await asyncio.Event().wait()  # it stays connected, and says nothing more
        return body.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    await application(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers if host else headers[1:],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8000),
        },
        receive,
        send,
    )
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize("path", PATHS)
async def test_its_document_is_on_its_own_host(two_origins: Application, path: str) -> None:
    status, body = await ask(two_origins, RESOURCE_HOST, path)
    assert status == 200
    assert json.loads(body)["resource"] == f"https://{RESOURCE_HOST}/mcp"
    assert (await ask(two_origins, ISSUER_HOST, path))[0] == 404


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
async def test_the_endpoint_is_on_its_own_host(two_origins: Application, path: str) -> None:
    assert (await ask(two_origins, RESOURCE_HOST, path))[0] == 405
    assert (await ask(two_origins, RESOURCE_HOST, path, "OPTIONS"))[0] == 204
    for method in ("GET", "POST", "OPTIONS"):
        assert (await ask(two_origins, ISSUER_HOST, path, method))[0] == 404


async def test_the_issuers_document_is_on_the_issuers_host(two_origins: Application) -> None:
    status, body = await ask(two_origins, ISSUER_HOST, SERVER)
    assert status == 200
    assert json.loads(body)["issuer"] == f"https://{ISSUER_HOST}"
    assert (await ask(two_origins, RESOURCE_HOST, SERVER))[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/account/login/",
        "/admin/",
        "/numbers/ai-access/",
        "/oauth/authorize",
        "/oauth/token",
        "/oauth/register",
        "/oauth/revoke",
        "/.well-known/openid-configuration",
        "/mcp/x",
        "/MCP",
        "//mcp",
    ],
)
async def test_nothing_of_the_portal_is_on_the_resources_host(
    two_origins: Application, path: str
) -> None:
    for method in ("GET", "POST"):
        assert await ask(two_origins, RESOURCE_HOST, path, method) == (404, b"")


async def test_health_is_on_both(two_origins: Application) -> None:
    for host in (ISSUER_HOST, RESOURCE_HOST):
        assert (await ask(two_origins, host, "/healthz"))[0] == 200
        # It is there, without asking the database.
        assert (await ask(two_origins, host, "/metrics", "OPTIONS"))[0] == 405


@pytest.mark.parametrize(
    "host",
    [
        "other.example",
        "evil.example",
        f"x.{RESOURCE_HOST}",
        f"{RESOURCE_HOST}.evil.example",
        f"{RESOURCE_HOST}:8443",
        f"{RESOURCE_HOST}:80",
        f"x@{RESOURCE_HOST}",
        f"{RESOURCE_HOST} ",
        "\xff",
        "",
    ],
)
async def test_a_host_that_is_neither_has_nothing(two_origins: Application, host: str) -> None:
    for path in ("/mcp", PATH, SERVER, "/"):
        assert await ask(two_origins, host, path) == (404, b"")


async def test_a_host_name_means_the_same_in_capitals_and_with_its_port(
    two_origins: Application,
) -> None:
    for host in (RESOURCE_HOST.upper(), f"{RESOURCE_HOST}:443"):
        assert (await ask(two_origins, host, PATH))[0] == 200
        assert (await ask(two_origins, host, SERVER))[0] == 404
    for host in (ISSUER_HOST.upper(), f"{ISSUER_HOST}:443"):
        assert (await ask(two_origins, host, SERVER))[0] == 200
        assert (await ask(two_origins, host, PATH))[0] == 404


async def test_one_origin_serves_all_on_one_host() -> None:
    application = Application()
    for path in (PATH, SERVER, "/healthz"):
        assert (await ask(application, "127.0.0.1", path))[0] == 200
    assert (await ask(application, "127.0.0.1", "/mcp"))[0] == 405
