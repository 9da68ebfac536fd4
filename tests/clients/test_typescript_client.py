"""`@modelcontextprotocol/client` against a real daphne, from the URL alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from oauth2_provider.models import get_application_model

from audit.models import ToolCall
from mcp_access.models import AccessToken, RefreshToken
from tests.clients.node import TypeScriptHost, typescript_host
from tests.clients.person import Person

pytestmark = [pytest.mark.wire, pytest.mark.node, pytest.mark.django_db(transaction=True)]

DISCOVER = {"mcp.inventory.read", "mcp.pricing.read", "mcp.docs.read", "mcp.callflows.read"}


@pytest.fixture
def host(portal) -> Iterator[TypeScriptHost]:
    with typescript_host(portal.mcp) as running:
        yield running


def connect(host: TypeScriptHost, person: Person, *, untick: Collection[str] = ()) -> None:
    url = host.do("connect")["redirect"]
    host.do("finish", callback=person.allow(url, untick=untick))
    assert host.do("connect") == {"connected": "cliqtel"}


def statuses(host: TypeScriptHost, path: str) -> list[int]:
    return [status for _, there, status in host.trace if there == path]


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_client_connects_from_nothing_but_the_url(mode, portal, alice, alice_at_browser):
    with typescript_host(portal.mcp, mode=mode) as host:
        connect(host, alice_at_browser)
        tools = host.do("list")["tools"]
        answer = host.call("whoami")
        trace, scopes, client = host.trace, host.scopes, host.client
    assert trace[:5] == [
        ("POST", "/mcp", 401),
        ("GET", "/.well-known/oauth-protected-resource/mcp", 200),
        ("GET", "/.well-known/oauth-authorization-server", 200),
        ("POST", "/oauth/register", 201),
        ("POST", "/oauth/token", 200),
    ]
    assert {path for _, path, _ in trace[5:]} == {"/mcp"}
    assert not {status for *_, status in trace[5:]} & {401, 403, 500}
    [asked] = alice_at_browser.asked
    assert asked.scopes - {"offline_access"} == DISCOVER
    assert asked.query["resource"] == [portal.mcp]
    assert asked.ticked == scopes == DISCOVER
    assert {"whoami", "search_docs"} <= set(tools)
    assert answer["structuredContent"]["user"]["email"] == alice.user.email
    row = ToolCall.objects.get()
    assert (row.tool, row.status, row.user_label) == ("whoami", "ok", alice.user.email)
    assert row.client_id == client["client_id"]


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_client_with_a_secret_connects_and_renews(method, portal, alice_at_browser):
    with typescript_host(portal.mcp, auth_method=method) as host:
        connect(host, alice_at_browser)
        assert host.client["client_secret"]
        expire_access_tokens()
        assert not host.call("whoami").get("isError")
        assert statuses(host, "/oauth/token") == [200, 200]
    assert len(alice_at_browser.asked) == 1


def test_expired_access_is_renewed_without_asking(host, alice_at_browser):
    connect(host, alice_at_browser)
    before = host.tokens
    expire_access_tokens()
    assert host.call("whoami")["structuredContent"]["status"] == "ok"
    after = host.tokens
    assert statuses(host, "/oauth/token") == [200, 200]
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]
    assert host.scopes == DISCOVER
    assert len(alice_at_browser.asked) == 1
    # And once more, with the token that the renewal brought.
    expire_access_tokens()
    assert host.call("whoami")["structuredContent"]["status"] == "ok"
    assert len({row.token_family for row in RefreshToken.objects.all()}) == 1


def test_ended_session_asks_again_as_the_same_app(host, alice_at_browser):
    connect(host, alice_at_browser)
    now = timezone.now()
    AccessToken.objects.filter(kind="oauth").update(revoked_at=now)
    RefreshToken.objects.update(revoked=now)
    url = host.call("whoami")["redirect"]
    host.do("finish", callback=alice_at_browser.allow(url))
    assert host.call("whoami")["structuredContent"]["status"] == "ok"
    assert statuses(host, "/oauth/register") == [201]
    assert get_application_model().objects.count() == 1
    assert alice_at_browser.signed_in == 1


def test_step_up_asks_for_more_and_keeps_what_there_was(host, alice_at_browser):
    connect(host, alice_at_browser, untick={"mcp.docs.read", "mcp.pricing.read"})
    assert host.scopes == {"mcp.inventory.read", "mcp.callflows.read"}
    url = host.call("search_docs", query="number")["redirect"]
    host.do("finish", callback=alice_at_browser.allow(url, untick={"mcp.pricing.read"}))
    assert host.call("search_docs", query="number")["structuredContent"]["status"] == "ok"
    assert host.call("list_inventory")["structuredContent"]["status"] == "ok"
    assert host.scopes == {"mcp.inventory.read", "mcp.callflows.read", "mcp.docs.read"}
    assert statuses(host, "/mcp").count(403) == 1
    first, second = alice_at_browser.asked
    assert second.scopes >= first.ticked | {"mcp.docs.read"}
    assert statuses(host, "/oauth/register") == [201]


def expire_access_tokens() -> None:
    long_ago = timezone.now() - timedelta(seconds=1)
    assert AccessToken.objects.filter(kind="oauth").update(expires=long_ago) > 0
