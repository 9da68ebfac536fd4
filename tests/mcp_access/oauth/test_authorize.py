"""GET /oauth/authorize as hosts rightly send it: what is understood, and that it always asks."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import AccessToken, Consent, Grant, OAuthAttempt
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.mcp_access.oauth.host import Host
from tests.wire import Web

pytestmark = pytest.mark.django_db

ISSUER = "http://127.0.0.1:8000"
DISCOVER = ["mcp.inventory.read", "mcp.pricing.read", "mcp.docs.read", "mcp.callflows.read"]


@pytest.fixture
def host(client: Client, alice: Membership) -> Host:
    """Registered, in the browser of alice."""
    made = Host(client)
    made.register()
    client.force_login(alice.user)
    return made


def query_of(location: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(location).query, keep_blank_values=True)


def locked(page: Any) -> dict[str, str]:
    return {line.name: line.locked for line in page.context["lines"] if line.locked}


# -- the question is always asked -----------------------------------------------------------------
@pytest.mark.parametrize(
    "changes",
    [
        {"approval_prompt": "auto"},
        {"approval_prompt": "force"},
        {"prompt": "consent"},
        {"prompt": "login"},
        {"prompt": "select_account"},
        {"prompt": "x"},
        {"prompt": ""},
        {"id_token_hint": "eyJhbGciOiJub25lIn0.e30."},
        {"login_hint": "mallory@malice.example"},
        {"max_age": "0"},
        {"max_age": "x"},
        {"request": "eyJhbGciOiJub25lIn0.e30."},
        {"request_uri": "https://evil.example/request"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
        {"claims": '{"id_token": {}}'},
        {"nonce": "x"},
        {"display": "none"},
        {"response_mode": "query"},
        {"response_mode": ""},
        {"decision": "allow", "tenant": "acme-test"},
        {"skip_authorization": "true"},
        {"access_type": "offline"},
        {"include_granted_scopes": "true"},
    ],
)
def test_nothing_in_the_query_skips_the_question(host: Host, changes: dict[str, str]) -> None:
    host.allow()  # neither does an earlier consent
    Grant.objects.all().delete()
    page = host.authorize(**changes)
    assert page.status_code == 200
    assert "Allow" in page.content.decode()
    assert not Grant.objects.exists()


def test_an_app_that_is_in_use_is_asked_for_again(host: Host, alice: Membership) -> None:
    host.tokens = host.redeem(host.code()).json()
    assert host.authorize().status_code == 200
    assert host.authorize(approval_prompt="auto").status_code == 200


# -- signing in in between ------------------------------------------------------------------------
@pytest.mark.parametrize("state", ["plain", "✓ ünï=&%+#?/ 日本", "x" * 2000, "a\nb"])
def test_signing_in_keeps_the_whole_question(client: Client, alice: Membership, state: str) -> None:
    host = Host(client)
    host.register()
    url = host.url(state=state, extra="kept & so on")
    answer = client.get(url)
    where = answer["Location"]
    assert urlsplit(where).path == "/account/login/"
    assert len(where) < 2000
    assert client.get(where)["Cross-Origin-Opener-Policy"] == "unsafe-none"
    form = {"login": "alice@acme.example", "password": "correct horse battery"}
    answer = client.post("/account/login/", form | {"next": query_of(where)["next"][0]})
    assert answer["Cross-Origin-Opener-Policy"] == "unsafe-none"
    if answer["Location"] != url:  # too long for an address within an address
        answer = client.get(answer["Location"])
    assert answer["Location"] == url
    assert query_of(host.decide("allow", url=url)["Location"])["state"] == [state]


def test_long_questions_of_several_tabs_wait_apart(client: Client, alice: Membership) -> None:
    host = Host(client)
    host.register()
    urls = [host.url(state=letter * 2000) for letter in "ab"]
    ways = [query_of(client.get(url)["Location"])["next"][0] for url in urls]
    client.force_login(alice.user)
    assert [client.get(way)["Location"] for way in ways] == urls
    assert Client().get(ways[0]).status_code == 400


def test_the_sign_in_form_lets_the_redirect_to_the_host_pass(client: Client) -> None:
    """Browsers hold form-action against redirects after the form."""
    host = Host(client)
    host.register()
    leading = client.get(client.get(host.url())["Location"])
    assert "form-action" not in leading["Content-Security-Policy"]
    for path in ("/account/login/", "/account/login/?next=/numbers/"):
        assert "form-action 'self'" in client.get(path)["Content-Security-Policy"]


def test_an_answer_of_a_stranger_leads_to_signing_in(client: Client) -> None:
    host = Host(client)
    host.register()
    answer = client.post(host.url(), {"decision": "allow", "scope": ["mcp.docs.read"]})
    assert urlsplit(answer["Location"]).path == "/account/login/"
    assert not Grant.objects.exists()


def test_signing_in_as_somebody_else_comes_back_to_the_question(host: Host) -> None:
    answer = host.client.post(host.url(), {"decision": "switch"})
    assert query_of(answer["Location"])["next"] == [host.url()]
    assert answer["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert "_auth_user_id" not in host.client.session


# -- the resource ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "resource",
    [
        None,
        "",
        "http://127.0.0.1:8000/mcp",
        "http://127.0.0.1:8000/mcp/",
        "HTTP://127.0.0.1:8000/mcp",
    ],
)
def test_our_resource_is_understood(host: Host, resource: str | None) -> None:
    assert host.authorize(resource=resource).status_code == 200
    answer = host.redeem(host.code(resource=resource))
    assert answer.status_code == 200
    assert AccessToken.objects.get().resource == ["http://127.0.0.1:8000/mcp"]


@pytest.mark.parametrize(
    ("named", "is_ours"),
    [
        ("https://mcp.cliqtel.com/mcp", True),
        ("https://mcp.cliqtel.com:443/mcp/", True),
        ("https://MCP.Cliqtel.COM/mcp", True),
        ("https://mcp.cliqtel.com:8443/mcp", False),
        ("https://mcp.cliqtel.com:80/mcp", False),
        ("http://mcp.cliqtel.com/mcp", False),
        ("https://mcp.cliqtel.com./mcp", False),
        ("https://cliqtel.com/mcp", False),
        ("https://mcp.cliqtel.com/mcp//", False),
        ("https://mcp.cliqtel.com/Mcp", False),
    ],
)
def test_port_host_case_and_one_slash_are_forgiven(
    host: Host, settings: Any, named: str, is_ours: bool
) -> None:
    settings.MCP_RESOURCE_URL = "https://mcp.cliqtel.com/mcp"
    assert host.authorize(resource=named).status_code == (200 if is_ours else 302)


# -- scopes ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("scope", [None, "", "offline_access"])
def test_without_scopes_the_discover_read_set_is_asked(host: Host, scope: str | None) -> None:
    page = host.authorize(scope=scope)
    assert [line.name for line in page.context["lines"]] == DISCOVER
    host.allow(scope=scope)
    assert Grant.objects.get().scope.split() == DISCOVER


def test_offline_access_is_dropped(host: Host) -> None:
    page = host.authorize(scope="offline_access mcp.docs.read")
    assert "offline_access" not in "".join(line.name for line in page.context["lines"])
    host.allow(scope="offline_access mcp.docs.read")
    assert (Grant.objects.get().scope, Consent.objects.get().asked_scope) == (
        "mcp.docs.read",
        "mcp.docs.read",
    )


def test_what_the_tier_forbids_is_shown_locked_and_dropped(host: Host, alice: Membership) -> None:
    alice.tenant.tier = "discover"
    alice.tenant.save()
    page = host.authorize(scope="mcp.docs.read mcp.orders.draft")
    assert locked(page) == {"mcp.orders.draft": "not part of the tier Discover"}
    assert "not part of the tier Discover" in page.content.decode()
    host.allow(scope="mcp.docs.read mcp.orders.draft")
    assert Grant.objects.get().scope == "mcp.docs.read"


def test_what_the_role_forbids_is_shown_locked_and_dropped(host: Host, bob: Membership) -> None:
    host.client.force_login(bob.user)
    page = host.authorize(scope="mcp.orders.draft mcp.numbers.purchase")
    assert locked(page) == {"mcp.numbers.purchase": "needs the role Approver; you are Member"}
    host.allow(scope="mcp.orders.draft mcp.numbers.purchase")
    assert Grant.objects.get().scope == "mcp.orders.draft"


def test_where_none_is_left_the_host_is_told(host: Host, bob: Membership) -> None:
    host.client.force_login(bob.user)
    answer = host.authorize(scope="mcp.numbers.purchase mcp.routing.write offline_access")
    assert answer.status_code == 302
    query = query_of(answer["Location"])
    assert (query["error"], query["state"], query["iss"]) == (
        ["access_denied"],
        [host.state],
        [ISSUER],
    )
    attempt = OAuthAttempt.objects.latest("id")
    assert (attempt.reason, attempt.user) == ("access_denied", bob.user)
    assert "scope" in attempt.detail


def test_a_scope_asked_twice_is_shown_once(host: Host) -> None:
    page = host.authorize(scope="mcp.docs.read mcp.docs.read")
    assert [line.name for line in page.context["lines"]] == ["mcp.docs.read"]


# -- where the answer goes ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        ("https://claude.ai/api/mcp/auth_callback", "https://claude.ai/api/mcp/auth_callback"),
        ("http://localhost/callback", "http://localhost:54545/callback"),
        ("http://localhost:8787/callback", "http://localhost:1/callback"),
        ("http://127.0.0.1:33418/", "http://127.0.0.1:65535/"),
        ("http://127.0.0.1/", "http://127.0.0.1:33418/"),
        ("http://[::1]/callback", "http://[::1]:49152/callback"),
        ("http://[::1]:1/callback", "http://[::1]/callback"),
        *[
            (uri, uri)
            for uri in (
                "cursor://anysphere.cursor-mcp/oauth/callback",
                "vscode://vscode.github-authentication/did-authenticate",
                "vscode-insiders://x/y",
                "https://global.consent.azure-apim.net/redirect/abc-123",
                "https://chatgpt.com/connector_platform_oauth_redirect",
            )
        ],
    ],
)
def test_the_answer_goes_exactly_where_it_was_asked_to(
    client: Client, alice: Membership, registered: str, asked: str
) -> None:
    host = Host(client, redirect_uri=registered)
    host.register()
    client.force_login(alice.user)
    host.redirect_uri = asked
    target = host.allow()
    assert target.startswith(f"{asked}?")
    query = query_of(target)
    assert set(query) == {"code", "state", "iss"}
    assert query["iss"] == [ISSUER]
    assert host.redeem(query["code"][0]).status_code == 200
    denied = host.decide("cancel")["Location"]
    assert denied.startswith(f"{asked}?")
    assert query_of(denied)["iss"] == [ISSUER]


def test_there_is_one_issuer_whatever_the_redirect_carries(
    client: Client, alice: Membership
) -> None:
    host = Host(client, redirect_uri="https://host.example/cb?iss=https://evil.example&a=1&b=%20")
    host.register()
    client.force_login(alice.user)
    for target in (host.allow(), host.decide("cancel")["Location"]):
        query = query_of(target)
        assert (query["iss"], query["a"], query["b"]) == ([ISSUER], ["1"], [" "])


@pytest.mark.parametrize(
    "state", ["✓ ünï=&%+ 日本", "x" * 3000, "a b+c%20d", "\u202e", "<>\"'", "\r\n"]
)
def test_the_state_is_echoed_verbatim(host: Host, state: str) -> None:
    assert query_of(host.allow(state=state))["state"] == [state]
    answer = host.decide("cancel", url=host.url(state=state))
    assert query_of(answer["Location"])["state"] == [state]
    assert "\n" not in answer["Location"]


def test_without_a_state_none_is_returned(host: Host) -> None:
    assert "state" not in query_of(host.allow(state=None))


# -- people without access ------------------------------------------------------------------------
def no_access(host: Host) -> None:
    page = host.authorize()
    assert page.status_code == 403
    text = page.content.decode()
    assert "You can&#x27;t connect" in text or "You can't connect" in text
    assert page["Cache-Control"] == "no-store"
    answer = host.client.post(host.url(), {"decision": "allow", "scope": ["mcp.docs.read"]})
    assert answer.status_code == 403
    assert not Consent.objects.exists()
    assert OAuthAttempt.objects.latest("id").reason == "no_access"
    answer = host.client.post(host.url(), {"decision": "cancel"})
    assert query_of(answer["Location"])["error"] == ["access_denied"]


def test_staff_have_no_account_to_give(host: Host) -> None:
    host.client.force_login(UserFactory(is_staff=True, is_superuser=True))
    no_access(host)


def test_a_viewer_has_no_access_to_give(host: Host) -> None:
    host.client.force_login(MembershipFactory(role="viewer").user)
    no_access(host)


def test_a_suspended_account_gives_nothing(host: Host, alice: Membership) -> None:
    alice.tenant.status = "suspended"
    alice.tenant.save()
    no_access(host)


def test_a_disabled_person_is_nobody(host: Host, alice: Membership) -> None:
    alice.user.is_active = False
    alice.user.save()
    assert urlsplit(host.authorize()["Location"]).path == "/account/login/"


# -- over a real socket ---------------------------------------------------------------------------
@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "query",
    [
        b"state=\xff",
        b"client_id=\xed\xa0\x80",
        b"%",
        b"client_id=%00",
        b"a=1&" * 2500,
        b"state=" + b"x" * 15_000,
        b"x=\x01\x02",
    ],
)
def test_no_bytes_make_the_server_fail(web: Web, query: bytes) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(web.origin).port), timeout=10) as line:
        head = b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        line.sendall(b"GET /oauth/authorize?" + query + head)
        answer = line.makefile("rb").readline()
    assert answer.split()[1:2] == [b"400"], answer
