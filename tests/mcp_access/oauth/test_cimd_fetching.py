"""When a client's document is fetched, from where, and what is shipped in place of it."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import urllib3
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from oauth2_provider import cimd as library
from oauth2_provider.models import Application

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import OAuthAttempt
from mcp_access.oauth import cimd, retention
from tests.mcp_access.oauth.client_web import (
    CALLBACK,
    CLIENT_ID,
    PUBLIC_ADDRESS,
    Web,
    check_refused,
)
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db

CLAUDE = "https://claude.ai/oauth/mcp-oauth-client-metadata"
CLAUDE_CODE = "https://claude.ai/oauth/claude-code-client-metadata"
CHATGPT = "https://chatgpt.com/oauth/client.json"
VSCODE = "https://vscode.dev/oauth/client-metadata.json"


@pytest.fixture(autouse=True)
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    return Web(monkeypatch)


@pytest.fixture
def host(client: Client, alice: Membership) -> Host:
    made = Host(client, redirect_uri=CALLBACK)
    made.client_id = CLIENT_ID
    client.force_login(alice.user)
    return made


# -- where from -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["172.16.0.1"],
        ["192.168.1.1"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["0.0.0.0"],
        ["::1"],
        ["fd00::1"],
        ["fe80::1"],
        ["::ffff:127.0.0.1"],
        ["::ffff:169.254.169.254"],
        ["64:ff9b::a9fe:a9fe"],
        ["2002:7f00:1::"],
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
        [],
    ],
    ids=str,
)
def test_no_request_goes_to_a_private_address(host: Host, web: Web, addresses: list[str]) -> None:
    web.addresses = addresses
    check_refused(host.authorize())
    assert web.looked_up == ["app.example"]
    assert web.requests == []


def test_the_request_goes_to_the_address_that_was_judged(host: Host, web: Web) -> None:
    """A second look-up could give another one (DNS rebinding)."""
    assert host.authorize().status_code == 200
    assert web.looked_up == ["app.example"]
    assert web.requests == [(PUBLIC_ADDRESS, 443, "app.example", "/oauth/client.json")]


@pytest.mark.parametrize(
    "client_id",
    [
        "http://app.example/oauth/client.json",
        "https://app.example",
        "https://app.example:8443/oauth/client.json",
        "https://app.example:443/oauth/client.json",
        "https://app.example:/oauth/client.json",
        "https://app.example:99999/oauth/client.json",
        "https://app.example:x/oauth/client.json",
        "https://somebody@app.example/oauth/client.json",
        "https://somebody:secret@app.example/oauth/client.json",
        "https://@app.example/oauth/client.json",
        "https://app.example/oauth/client.json#part",
        "https://app.example/oauth/client.json#",
        "https://app.example/oauth/../client.json",
        "https://app.example/oauth/%2e%2e/client.json",
        "https://app.example\\@evil.example/client.json",
        "https://app.example/a client.json",
        "https://app.example/client.json\r\nX-Evil: 1",
        "https://app.example/\tclient.json",
        "https://äpp.example/client.json",
        "https://*.example/client.json",
        "https://intranet/client.json",
        "https://app.example./client.json",
        "https://[::1]/client.json",
        "https://[::1/client.json",
        "https:///client.json",
        "https:/app.example/client.json",
        "https:app.example/client.json",
        "ftp://app.example/client.json",
        "file:///etc/passwd",
        "https://app.example/" + "c" * 300,
    ],
)
def test_an_address_that_is_not_plain_is_not_asked(host: Host, web: Web, client_id: str) -> None:
    web.document["client_id"] = client_id
    answer = host.authorize(client_id=client_id)
    assert answer.status_code == 400
    assert "Location" not in answer
    assert web.requests == []
    assert not Application.objects.exists()
    assert OAuthAttempt.objects.latest("id").reason == "invalid_client"


@pytest.mark.parametrize(
    "client_id",
    ["https://127.0.0.1/client.json", "https://localhost/client.json", "https://10.1.2.3/c.json"],
)
def test_a_private_address_by_its_own_name_is_not_asked(
    host: Host, web: Web, client_id: str
) -> None:
    web.addresses = ["10.1.2.3" if "10." in client_id else "127.0.0.1"]
    check_refused(host.authorize(client_id=client_id), client_id)
    assert web.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 204, 404, 500])
def test_only_200_is_an_answer_and_redirects_are_not_followed(
    host: Host, web: Web, status: int
) -> None:
    web.status = status
    web.headers["Location"] = "https://app.example/elsewhere.json"
    check_refused(host.authorize())
    assert len(web.requests) == 1


@pytest.mark.parametrize("media_type", ["", "text/html", "text/plain", "application/javascript"])
def test_only_json_is_an_answer(host: Host, web: Web, media_type: str) -> None:
    web.headers["Content-Type"] = media_type
    check_refused(host.authorize())


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "application/cimd+json"])
def test_json_by_any_of_its_names_is_an_answer(host: Host, web: Web, media_type: str) -> None:
    web.headers["Content-Type"] = media_type
    assert host.authorize().status_code == 200


def test_an_answer_over_16_kilobytes_is_not_read(host: Host, web: Web) -> None:
    web.document["padding"] = "x" * 16 * 1024
    check_refused(host.authorize())


@pytest.mark.parametrize(
    "failure",
    [
        urllib3.exceptions.ConnectTimeoutError("slow"),
        urllib3.exceptions.SSLError("another's certificate"),
        urllib3.exceptions.ProtocolError("cut off"),
        UnicodeError("label too long"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_server_that_fails_is_an_unknown_client(host: Host, web: Web, failure: Exception) -> None:
    web.failure = failure
    answer = host.authorize()
    check_refused(answer)
    assert str(failure).encode() not in answer.content
    assert "can't be read now" in OAuthAttempt.objects.latest("id").detail


# -- how often ------------------------------------------------------------------------------------
def test_a_bad_address_is_left_alone_for_a_while(host: Host, web: Web) -> None:
    web.status = 500
    check_refused(host.authorize())
    web.status = 200
    check_refused(host.authorize())
    assert len(web.requests) == 1


def test_a_stale_document_is_read_again(host: Host, web: Web) -> None:
    host.authorize()
    _make_stale()
    web.document["client_name"] = "Renamed"
    web.document["redirect_uris"] = [CALLBACK, "https://app.example/second"]
    assert host.authorize(redirect_uri="https://app.example/second").status_code == 200
    assert Application.objects.get().name == "Renamed"
    assert len(web.requests) == 2


def test_a_known_client_outlives_an_outage_of_its_host(host: Host, web: Web) -> None:
    host.authorize()
    _make_stale()
    web.status = 503
    assert host.authorize().status_code == 200
    assert Application.objects.get().redirect_uris == CALLBACK


def test_the_token_endpoint_asks_nobody(host: Host, web: Web) -> None:
    answer = host.redeem("a-code")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    answer = host.revoke("a-token")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    code = host.code()
    _make_stale()
    assert host.redeem(code).status_code == 200
    assert len(web.requests) == 1


@pytest.mark.parametrize("limit", ["RATE_LIMIT_REGISTER", "RATE_LIMIT_REGISTER_TOTAL"])
def test_a_first_sight_counts_as_a_registration(
    host: Host, web: Web, settings: LazySettings, limit: str
) -> None:
    setattr(settings, limit, "1/m")
    assert host.authorize().status_code == 200
    answer = host.authorize(client_id="https://app.example/oauth/second.json")
    assert answer.status_code == 400
    assert len(web.requests) == 1
    assert host.authorize().status_code == 200, "known already"
    shipped = host.authorize(client_id=CLAUDE_CODE, redirect_uri="http://localhost:1/callback")
    assert shipped.status_code == 200


def test_no_more_than_so_many_fetches_are_under_way(
    host: Host, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = threading.BoundedSemaphore(1)
    busy.acquire()
    monkeypatch.setattr(library, "_get_fetch_semaphore", lambda: busy)
    check_refused(host.authorize())
    busy.release()
    assert host.authorize().status_code == 200, "being busy is not held against the client"


def test_a_client_that_staff_made_is_not_taken_over(host: Host, web: Web) -> None:
    Application.objects.create(
        client_id=CLIENT_ID,
        redirect_uris="https://other.example/cb",
        client_type="confidential",
        authorization_grant_type="authorization-code",
    )
    assert host.authorize().status_code == 400
    assert Application.objects.get().redirect_uris == "https://other.example/cb"
    assert web.requests == []


def test_one_that_nobody_allowed_is_forgotten(host: Host, web: Web) -> None:
    host.authorize()
    Application.objects.update(created=timezone.now() - timedelta(hours=73))
    assert retention.collect_unused_clients() == 1
    assert host.authorize().status_code == 200, "and read again when it comes again"


def test_switched_off_nothing_is_fetched_and_nothing_promised(
    host: Host, web: Web, settings: LazySettings
) -> None:
    settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "CIMD_ENABLED": False}
    check_refused(host.authorize())
    assert web.looked_up == []
    metadata = host.client.get("/.well-known/oauth-authorization-server").json()
    assert metadata["client_id_metadata_document_supported"] is False


# -- shipped --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("client_id", "redirect_uri", "name"),
    [
        (CLAUDE, "https://claude.ai/api/mcp/auth_callback", "Claude"),
        (CLAUDE_CODE, "http://localhost:52163/callback", "Claude Code"),
        (CLAUDE_CODE, "http://127.0.0.1:3118/callback", "Claude Code"),
        (CHATGPT, "https://chatgpt.com/connector_platform_oauth_redirect", "ChatGPT"),
        (VSCODE, "http://127.0.0.1:33418/", "Visual Studio Code"),
        (VSCODE, "http://127.0.0.1:50000/", "Visual Studio Code"),
        (VSCODE, "https://vscode.dev/redirect", "Visual Studio Code"),
    ],
)
def test_well_known_hosts_connect_without_a_request_from_us(
    host: Host, web: Web, client_id: str, redirect_uri: str, name: str
) -> None:
    host.client_id, host.redirect_uri = client_id, redirect_uri
    page = host.authorize()
    assert page.context["app"] == name
    assert page.context["verified_host"] == client_id.split("/")[2]
    tokens = host.redeem(host.code())
    assert tokens.status_code == 200
    assert host.refresh(tokens.json()["refresh_token"]).status_code == 200
    assert Application.objects.get().client_type == "public"
    assert (web.looked_up, web.requests) == ([], [])


def test_what_is_shipped_wins_however_stale(host: Host, web: Web) -> None:
    host.client_id, host.redirect_uri = CLAUDE, "https://claude.ai/api/mcp/auth_callback"
    host.authorize()
    _make_stale()
    web.document = {"client_id": CLAUDE, "redirect_uris": ["https://evil.example/"]}
    assert host.authorize().status_code == 200
    assert host.authorize(redirect_uri="https://evil.example/").status_code == 400
    assert web.requests == []


def test_a_neighbour_of_what_is_shipped_is_fetched(host: Host, web: Web) -> None:
    """ChatGPT has one more document for each connector."""
    web.document = {
        "client_id": "https://chatgpt.com/oauth/kDmjx77UnKOM/client.json",
        "redirect_uris": ["https://chatgpt.com/connector/oauth/kDmjx77UnKOM"],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
    }
    host.client_id = web.document["client_id"]
    host.redirect_uri = web.document["redirect_uris"][0]
    assert host.redeem(host.code()).status_code == 200
    assert [host for _, _, host, _ in web.requests] == ["chatgpt.com"]


def test_all_that_is_shipped_is_accepted_under_its_own_address() -> None:
    shipped: dict[str, dict[str, Any]] = cimd.pinned_documents()
    assert set(shipped) == {CLAUDE, CLAUDE_CODE, CHATGPT, VSCODE}
    for client_id, document in shipped.items():
        assert cimd.is_plain_address(client_id)
        assert cimd.accepted(document)["redirect_uris"] == document["redirect_uris"]


def _make_stale() -> None:
    Application.objects.update(cimd_expires_at=timezone.now() - timedelta(seconds=1))
