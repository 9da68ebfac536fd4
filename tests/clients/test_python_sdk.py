"""The official Python SDK's OAuth provider against a real daphne, from the URL alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from mcp.client.auth import OAuthFlowError
from oauth2_provider.models import get_application_model

from audit.models import ToolCall
from mcp_access.models import AccessToken, Consent, RefreshToken
from tests.clients.sdk_host import SdkHost

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

DISCOVER = {"mcp.inventory.read", "mcp.pricing.read", "mcp.docs.read", "mcp.callflows.read"}
SEARCH = ("search_docs", {"query": "number"})


@pytest.fixture
def host(portal, alice_at_browser) -> SdkHost:
    return SdkHost(portal.mcp, alice_at_browser)


def steps(host: SdkHost, path: str) -> list[tuple[str, int]]:
    return [(method, status) for method, there, status in host.trace if there == path]


async def expire_access_tokens() -> None:
    long_ago = timezone.now() - timedelta(seconds=1)
    assert await AccessToken.objects.filter(kind="oauth").aupdate(expires=long_ago) > 0


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_host_connects_from_nothing_but_the_url(mode, host, alice):
    async with host.connect(mode) as client:
        listed = await client.list_tools()
        answer = await client.call_tool("whoami", {})
    assert [(method, path) for method, path, _ in host.trace[:6]] == [
        ("POST", "/mcp"),
        ("GET", "/.well-known/oauth-protected-resource/mcp"),
        ("GET", "/.well-known/oauth-authorization-server"),
        ("POST", "/oauth/register"),
        ("POST", "/oauth/token"),
        ("POST", "/mcp"),
    ]
    assert [status for *_, status in host.trace[:6]] == [401, 200, 200, 201, 200, 200]
    assert {status for *_, status in host.trace[6:]} <= {200, 202}
    [asked] = host.person.asked
    assert asked.scopes == DISCOVER | {"offline_access"}
    assert asked.query["resource"] == [host.url]
    assert asked.ticked == host.scopes == DISCOVER
    assert host.person.signed_in == 1
    assert {"whoami", "search_docs"} <= {tool.name for tool in listed.tools}
    assert answer.structured_content["user"]["email"] == alice.user.email
    row = await ToolCall.objects.aget()
    assert (row.tool, row.status, row.user_label) == ("whoami", "ok", alice.user.email)
    assert row.client_id == host.storage.client.client_id


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
async def test_host_with_a_secret_connects_and_renews(method, portal, alice_at_browser):
    host = SdkHost(portal.mcp, alice_at_browser, token_endpoint_auth_method=method)
    async with host.connect() as client:
        await client.call_tool("whoami", {})
        host.forget_expiry()
        answer = await client.call_tool("whoami", {})
    assert host.storage.client.token_endpoint_auth_method == method
    assert host.storage.client.client_secret
    assert answer.is_error is False
    assert steps(host, "/oauth/token") == [("POST", 200), ("POST", 200)]
    assert len(host.person.asked) == 1


async def test_expired_access_is_renewed_without_asking(host):
    async with host.connect() as client:
        await client.call_tool("whoami", {})
        before = host.tokens
        await expire_access_tokens()
        host.forget_expiry()
        answer = await client.call_tool("whoami", {})
    assert answer.is_error is False
    assert steps(host, "/oauth/token") == [("POST", 200), ("POST", 200)]
    assert len(host.person.asked) == 1
    assert host.tokens.access_token != before.access_token
    assert host.tokens.refresh_token != before.refresh_token
    assert host.scopes == DISCOVER
    assert [status for _, status in steps(host, "/mcp")].count(401) == 1
    families = {row.token_family async for row in RefreshToken.objects.all()}
    assert len(families) == 1


async def test_restarted_host_goes_on_without_asking(host):
    async with host.connect() as client:
        await client.call_tool("whoami", {})
    host.start()
    host.trace.clear()
    async with host.connect() as client:
        assert (await client.call_tool("whoami", {})).is_error is False
    assert {path for _, path, _ in host.trace} == {"/mcp"}
    assert len(host.person.asked) == 1


async def test_host_of_an_ended_session_asks_again_as_the_same_app(host):
    async with host.connect() as client:
        await client.call_tool("whoami", {})
        now = timezone.now()
        await AccessToken.objects.filter(kind="oauth").aupdate(revoked_at=now)
        await RefreshToken.objects.aupdate(revoked=now)
        answer = await client.call_tool("whoami", {})
    assert answer.is_error is False
    assert len(host.person.asked) == 2
    assert host.person.signed_in == 1
    assert steps(host, "/oauth/register") == [("POST", 201)]
    assert await get_application_model().objects.acount() == 1
    assert await Consent.objects.acount() == 1


async def test_step_up_asks_for_more_and_keeps_what_there_was(host):
    host.untick = {"mcp.docs.read", "mcp.pricing.read"}
    async with host.connect() as client:
        await client.call_tool("list_inventory", {})
        assert host.scopes == {"mcp.inventory.read", "mcp.callflows.read"}
        host.untick = {"mcp.pricing.read"}
        found = await client.call_tool(*SEARCH)
        assert found.is_error is False
        kept = await client.call_tool("list_inventory", {})
        assert kept.is_error is False
    assert [status for _, status in steps(host, "/mcp")].count(403) == 1
    first, second = host.person.asked
    assert second.scopes >= first.ticked | {"mcp.docs.read"}
    assert host.scopes == {"mcp.inventory.read", "mcp.callflows.read", "mcp.docs.read"}
    assert steps(host, "/oauth/register") == [("POST", 201)]
    assert set((await Consent.objects.aget()).scope.split()) == host.scopes
    rows = {(row.tool, row.status, row.error_code) async for row in ToolCall.objects.all()}
    assert rows == {
        ("list_inventory", "ok", ""),
        ("search_docs", "error", "insufficient_scope"),
        ("search_docs", "ok", ""),
    }


async def test_restarted_host_steps_up_from_what_it_stored(host):
    host.untick = {"mcp.docs.read", "mcp.pricing.read"}
    async with host.connect() as client:
        await client.call_tool("list_inventory", {})
    host.start()
    host.untick = ()
    async with host.connect() as client:
        assert (await client.call_tool(*SEARCH)).is_error is False
        assert (await client.call_tool("list_inventory", {})).is_error is False
    _, second = host.person.asked
    # The challenge names the token's scopes and the needed one: nothing is lost, nothing added.
    asked = {"mcp.inventory.read", "mcp.callflows.read", "mcp.docs.read"}
    assert second.scopes - {"offline_access"} == asked
    assert host.scopes == asked


async def test_cancelled_step_up_leaves_the_session_as_it_was(host):
    host.untick = {"mcp.docs.read"}
    async with host.connect() as client:
        await client.call_tool("whoami", {})
    before = host.tokens
    host.is_patient = False
    with pytest.RaisesGroup(
        pytest.RaisesExc(OAuthFlowError, match="No authorization code received"),
        flatten_subgroups=True,
        allow_unwrapped=True,
    ):
        async with host.connect() as client:
            await client.call_tool(*SEARCH)
    assert host.tokens == before
    host.start()
    async with host.connect() as client:
        assert (await client.call_tool("list_inventory", {})).is_error is False
