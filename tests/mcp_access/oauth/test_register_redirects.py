"""Which redirect URIs a client may register, and where an app may then be sent."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from oauth2_provider.models import Application

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import OAuthAttempt
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db

GOOD = "https://claude.ai/api/mcp/auth_callback"
CURSOR = [
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "https://www.cursor.com/agents/mcp/oauth/callback",
    "http://localhost:8787/callback",
]


def register(client: Client, uris: Any) -> Any:
    body = {"client_name": "App", "redirect_uris": uris, "token_endpoint_auth_method": "none"}
    return client.post("/oauth/register", body, content_type="application/json")


@pytest.mark.parametrize(
    "uris",
    [
        [GOOD],
        ["https://claude.com/api/mcp/auth_callback"],
        [GOOD, "https://claude.com/api/mcp/auth_callback"],
        ["http://localhost/callback"],
        ["http://localhost:3118/callback"],
        ["http://localhost:65535/callback"],
        ["http://127.0.0.1:49152/callback"],
        ["http://[::1]:49152/callback"],
        ["https://chatgpt.com/connector_platform_oauth_redirect"],
        ["https://chatgpt.com/connector/oauth/kDmjx77UnKOM"],
        ["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
        ["http://127.0.0.1/", "http://127.0.0.1:33418/", "https://insiders.vscode.dev/redirect"],
        ["http://127.0.0.1:50123/"],
        CURSOR,
        ["vscode://vscode.github-authentication/did-authenticate"],
        ["vscode-insiders://vscode.github-authentication/did-authenticate"],
        ["https://global.consent.azure-apim.net/redirect/cliqtel-5f0c9d-1a2b3c"],
        ["http://localhost:6274/oauth/callback"],
        ["https://app.example:8443/cb?from=cliqtel&x=%20"],
        ["https://app.example/cb;v=1"],
        ["https://app.example"],
        ["https://xn--pp-via.example/cb"],
        ["https://app.example/" + "a" * 492],
        [f"https://app.example/{number}" for number in range(10)],
    ],
    ids=lambda uris: uris[0][:60],
)
def test_what_hosts_send_is_registered_as_sent(client: Client, uris: list[str]) -> None:
    answer = register(client, uris)
    assert answer.status_code == 201, answer.content
    assert answer.json()["redirect_uris"] == uris
    assert Application.objects.get().redirect_uris.split() == uris


BAD = [
    # not https
    "http://app.example/cb",
    "http://192.168.1.1/cb",
    "http://10.0.0.1/cb",
    "http://0.0.0.0/cb",
    "http://127.0.0.2/cb",
    "http://127.1/cb",
    "http://2130706433/cb",
    "http://0x7f000001/cb",
    "http://localhost.evil.example/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://evil.example/127.0.0.1/",
    "http://localhost./cb",
    "http://[::2]/cb",
    "http://[::ffff:127.0.0.1]/cb",
    "http:///cb",
    "http://",
    # no real host
    "https://",
    "https:///cb",
    "https:/app.example/cb",
    "https:app.example/cb",
    "https://app/cb",
    "https://intranet:8443/cb",
    "https://app.example./cb",
    "https://.example/cb",
    "https://app..example/cb",
    "https://[fe80::1]/cb",
    "https://[::1/cb",
    "https://app.example:99999/cb",
    "https://app.example:x/cb",
    "https://:443/cb",
    # other schemes
    "javascript:alert(1)",
    "JavaScript://app.example/%0aalert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "ftp://app.example/cb",
    "ws://app.example/cb",
    "about:blank",
    "urn:ietf:wg:oauth:2.0:oob",
    "com.example.app:/cb",
    "claude://cb",
    "cursors://cb",
    "vscode-evil://cb",
    "intent://cb",
    "//app.example/cb",
    "app.example/cb",
    "/cb",
    "cb",
    ":",
    # user information, fragment, dot segments
    "https://user@app.example/cb",
    "https://user:pass@app.example/cb",
    "https://@app.example/cb",
    "https://claude.ai@evil.example/cb",
    "http://localhost@evil.example/cb",
    "http://localhost:80@evil.example/cb",
    "https://app.example/cb#",
    "https://app.example/cb#part",
    "http://localhost/cb#part",
    "cursor://cb#part",
    "https://app.example/../cb",
    "https://app.example/a/./cb",
    "https://app.example/a/..",
    "https://app.example/a/%2e%2e/cb",
    "https://app.example/a/.%2E/cb",
    "https://app.example/a%2f../cb",
    "cursor://host/../cb",
    # wildcards, blanks, control characters and what browsers take for others
    "https://*.app.example/cb",
    "https://app.example/*",
    "http://localhost:*/cb",
    "*",
    "https://app.example/c b",
    " https://app.example/cb",
    "https://app.example/cb ",
    "https://app.example/cb https://evil.example/",
    "https://app.example/\tcb",
    "https://app.example/cb\n",
    "https://app.example/cb\r\nSet-Cookie: a=b",
    "https://app.example/\x00cb",
    "https://app.example/\x7fcb",
    "https://app.example\\@evil.example/",
    "https:\\\\app.example\\cb",
    'https://app.example/"onload=',
    "https://app.example/<script>",
    "https://app.example/{id}",
    "https://app.example/a|b",
    "https://app.example/`",
    "https://app.example/^",
    "https://äpp.example/cb",
    "https://app.example/ü",
    "https://app。example/cb",
    "https://app.example/\u202ecb",
    "https://app.example/\ud800",
    # not a URI at all
    "",
    "https://app.example/" + "a" * 493,
    None,
    7,
    True,
    ["https://app.example/cb"],
    {"uri": "https://app.example/cb"},
]


@pytest.mark.parametrize("uri", BAD, ids=lambda uri: ascii(uri)[:60])
def test_a_bad_one_is_refused_and_named(client: Client, uri: Any) -> None:
    answer = register(client, [uri])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")
    assert "redirect_uris[0]" in answer.json()["error_description"]
    assert not Application.objects.exists()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_one_refuses_all(client: Client, place: int) -> None:
    uris = [GOOD, "https://claude.com/api/mcp/auth_callback"]
    uris.insert(place, "http://evil.example/cb")
    answer = register(client, uris)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")
    assert f"redirect_uris[{place}]" in answer.json()["error_description"]
    assert not Application.objects.exists()
    assert OAuthAttempt.objects.get().reason == "invalid_redirect_uri"


def test_all_bad_ones_are_named_at_once(client: Client) -> None:
    text = register(client, ["ftp://a.example", GOOD, "https://a"]).json()["error_description"]
    assert "redirect_uris[0]" in text
    assert "redirect_uris[1]" not in text
    assert "redirect_uris[2]" in text


@pytest.mark.parametrize(
    "uris",
    [None, [], {}, "", GOOD, {GOOD: GOOD}, 0, True, [f"https://a.example/{n}" for n in range(11)]],
    ids=lambda uris: ascii(uris)[:20],
)
def test_it_is_a_list_of_one_to_ten(client: Client, uris: Any) -> None:
    answer = register(client, uris)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")


def test_it_must_be_there(client: Client) -> None:
    answer = client.post("/oauth/register", {"client_name": "x"}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")


def test_the_same_one_twice_is_one(client: Client) -> None:
    assert register(client, [GOOD, GOOD]).json()["redirect_uris"] == [GOOD]


# -- what a registration is good for ---------------------------------------------------------------
@pytest.mark.parametrize(
    ("registered", "used"),
    [
        (["http://localhost/callback"], "http://localhost:3118/callback"),
        (["http://localhost:1234/callback"], "http://localhost:65000/callback"),
        (["http://127.0.0.1/"], "http://127.0.0.1:50000/"),
        (["http://127.0.0.1:33418/"], "http://127.0.0.1:33419/"),
        (["http://[::1]/cb"], "http://[::1]:8080/cb"),
        *[(CURSOR, uri) for uri in CURSOR],
        (["https://app.example/cb?a=1"], "https://app.example/cb?a=1"),
    ],
)
def test_an_app_is_sent_where_it_registered_with_any_port_on_loopback(
    client: Client, alice: Membership, registered: list[str], used: str
) -> None:
    host = Host(client, redirect_uri=used)
    host.register(redirect_uris=registered)
    client.force_login(alice.user)
    target = host.allow()
    assert target.startswith(used)
    assert "code=" in target
    assert "iss=" in target


@pytest.mark.parametrize(
    ("registered", "used"),
    [
        ("http://localhost/callback", "http://127.0.0.1/callback"),
        ("http://localhost/callback", "http://localhost/callback/"),
        ("http://localhost/callback", "https://localhost/callback"),
        ("http://localhost/callback", "http://localhost:80@evil.example/callback"),
        ("https://app.example/cb", "https://app.example:8443/cb"),
        ("https://app.example/cb", "https://app.example/cb?x=1"),
        ("https://app.example/cb?a=1", "https://app.example/cb?a=1&b=2"),
        ("https://app.example/cb", "https://app.example/cb/x"),
        ("https://app.example/cb", "https://app.example.evil.example/cb"),
        ("https://app.example/cb", "https://app.example/CB"),
        ("https://app.example/cb", "https://app.example/x/../cb"),
        ("https://app.example/cb", "https://app.example/cb#x"),
        ("cursor://a/cb", "cursor://b/cb"),
        ("cursor://a/cb", "vscode://a/cb"),
    ],
)
def test_an_app_is_sent_nowhere_else(
    client: Client, alice: Membership, registered: str, used: str
) -> None:
    host = Host(client, redirect_uri=used)
    host.register(redirect_uris=[registered])
    client.force_login(alice.user)
    answer = host.authorize()
    assert answer.status_code == 400
    assert "Location" not in answer
