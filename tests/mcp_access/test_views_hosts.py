"""The lines that people paste into their AI host."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from pytest_django import Settings

from cliqtel_portal.accounts.models import Membership
from mcp_access.views.hosts import PLACEHOLDER, Host, hosts, sign_in_hosts
from tests.factories.mcp_access import make_token
from tests.wire import Web

ENDPOINT = "https://mcp.example.test/mcp"
TOKEN = "ct_mcp_" + "x" * 49


@pytest.fixture
def by_key(settings: Settings) -> dict[str, Host]:
    settings.MCP_RESOURCE_URL = ENDPOINT
    return {host.key: host for host in hosts(TOKEN)}


def test_each_host_gets_the_running_endpoint_and_the_token(by_key: dict[str, Host]) -> None:
    for host in by_key.values():
        assert ENDPOINT in host.snippet + host.note
        assert TOKEN in host.snippet
        assert PLACEHOLDER not in host.snippet


def test_without_a_token_a_word_stands_in_its_place() -> None:
    for host in hosts():
        assert PLACEHOLDER in host.snippet
        assert "ct_mcp_" not in host.snippet


@pytest.mark.parametrize(
    ("key", "path", "value"),
    [
        ("claude", "mcpServers.cliqtel.env.CLIQTEL_AUTH", f"Bearer {TOKEN}"),
        ("claude", "mcpServers.cliqtel.command", "npx"),
        ("chatgpt", "server_url", ENDPOINT),
        # OpenAI adds the word Bearer itself.
        ("chatgpt", "authorization", TOKEN),
        ("cursor", "mcpServers.cliqtel.url", ENDPOINT),
        ("cursor", "mcpServers.cliqtel.headers.Authorization", f"Bearer {TOKEN}"),
        ("vs-code", "servers.cliqtel.type", "http"),
        ("vs-code", "servers.cliqtel.headers.Authorization", f"Bearer {TOKEN}"),
    ],
)
def test_what_goes_into_a_file_is_json_of_the_hosts_own_form(
    key: str, path: str, value: str, by_key: dict[str, Host]
) -> None:
    found = json.loads(by_key[key].snippet)
    for name in path.split("."):
        found = found[name]

    assert found == value


def test_signing_in_needs_nothing_but_the_endpoint(settings: Settings) -> None:
    settings.MCP_RESOURCE_URL = ENDPOINT
    ways = sign_in_hosts()

    assert [way.key for way in ways[:6]] == [
        "claude",
        "claude-code",
        "chatgpt",
        "cursor",
        "vs-code",
        "copilot-studio",
    ]
    for way in ways[:6]:
        assert ENDPOINT in way.snippet
        assert "sign in" in way.where
        assert PLACEHOLDER not in way.snippet
        assert "Authorization" not in way.snippet
        assert way.with_token is not None
        assert PLACEHOLDER in way.with_token.snippet
    assert ways[1].snippet == f"claude mcp add --transport http cliqtel {ENDPOINT}"
    assert json.loads(ways[3].snippet) == {"mcpServers": {"cliqtel": {"url": ENDPOINT}}}
    assert {way.key for way in ways} == {host.key for host in hosts()}


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_curl_line_works_as_it_stands(web: Web, alice: Membership, settings: Settings) -> None:
    _, plaintext = make_token(alice)
    settings.MCP_RESOURCE_URL = web.mcp
    line = next(host.snippet for host in hosts(plaintext) if host.key == "curl")

    answer = subprocess.run(["sh", "-c", line], capture_output=True, timeout=30, check=True)

    result = json.loads(answer.stdout)["result"]
    assert result["structuredContent"]["tenant"]["slug"] == "acme-test"
    assert result["structuredContent"]["user"]["email"] == "alice@acme.example"
