"""The lines that people paste into their AI host."""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.conf import settings as project
from django.test import Client
from pytest_django import Settings

from cliqtel_portal.accounts.models import Membership
from mcp_access.views.hosts import PLACEHOLDER, Block, Host, Way, hosts, hosts_of_tokens
from tests.factories.mcp_access import make_token
from tests.wire import Web

ENDPOINT = "https://mcp.example.test/mcp"
TOKEN = "ct_mcp_" + "x" * 49
URL = "/numbers/ai-access/"
ARTICLES = Path(project.BASE_DIR) / "cliqtel_portal" / "docs" / "articles"
NODE_PACKAGES = Path(__file__).parent.parent / "clients" / "node_modules"


@pytest.fixture
def by_key(settings: Settings) -> dict[str, Host]:
    settings.MCP_RESOURCE_URL = ENDPOINT
    return {host.key: host for host in hosts(TOKEN)}


def way_of(host: Host, name: str) -> Way:
    way: Way | None = getattr(host, name)
    assert way is not None
    return way


def text_of(host: Host, name: str = "token", number: int = 0) -> str:
    return way_of(host, name).blocks[number].text


def every_block() -> list[tuple[Host, Way, Block]]:
    return [
        (host, way, block)
        for host in hosts(TOKEN)
        for way in (host.sign_in, host.token)
        if way is not None
        for block in way.blocks
    ]


def test_every_host_that_the_issue_names_is_there(by_key: dict[str, Host]) -> None:
    assert [(key, bool(host.sign_in), bool(host.token)) for key, host in by_key.items()] == [
        ("claude", True, True),
        ("claude-code", True, True),
        ("chatgpt", True, False),
        ("openai", False, True),
        ("claude-api", False, True),
        ("copilot-studio", True, True),
        ("cursor", True, True),
        ("vs-code", True, True),
        ("python", False, True),
        ("typescript", False, True),
        ("curl", False, True),
        ("inspector", True, True),
    ]


def test_each_way_has_the_running_endpoint_and_only_one_has_the_token(
    by_key: dict[str, Host],
) -> None:
    for host in by_key.values():
        if host.token is not None:
            texts = "".join(block.text for block in host.token.blocks)
            assert ENDPOINT in texts or host.key == "inspector"
            assert TOKEN in texts
        if host.sign_in is not None:
            texts = "".join(block.text for block in host.sign_in.blocks)
            assert ENDPOINT in texts
            assert TOKEN not in texts
            assert PLACEHOLDER not in texts
            assert "sign" in host.sign_in.where.lower()


def test_guides_are_articles_of_the_docs(by_key: dict[str, Host]) -> None:
    guides = {host.guide for host in by_key.values() if host.guide}

    assert len(guides) == 4
    for slug in guides:
        assert (ARTICLES / f"{slug}.md").exists(), slug


def test_a_token_is_in_no_link(by_key: dict[str, Host]) -> None:
    for host in by_key.values():
        for way in (host.sign_in, host.token):
            if way is not None and way.link:
                assert TOKEN not in unquote(way.link)
                assert way is host.sign_in


def test_with_a_token_at_hand_only_that_way_is_shown() -> None:
    ways = hosts_of_tokens(TOKEN)

    assert "chatgpt" not in {host.key for host in ways}
    assert all(host.sign_in is None and host.token is not None for host in ways)


@pytest.mark.parametrize(
    ("key", "way", "path", "value"),
    [
        ("claude", "token", "mcpServers.cliqtel.env.CLIQTEL_AUTH", f"Bearer {TOKEN}"),
        ("claude", "token", "mcpServers.cliqtel.command", "npx"),
        ("cursor", "sign_in", "mcpServers.cliqtel.url", ENDPOINT),
        ("cursor", "token", "mcpServers.cliqtel.headers.Authorization", f"Bearer {TOKEN}"),
        ("vs-code", "token", "servers.cliqtel.type", "http"),
        ("vs-code", "token", "servers.cliqtel.headers.Authorization", f"Bearer {TOKEN}"),
    ],
)
def test_what_goes_into_a_file_is_of_the_hosts_own_form(
    key: str, way: str, path: str, value: str, by_key: dict[str, Host]
) -> None:
    found = json.loads(text_of(by_key[key], way))
    for name in path.split("."):
        found = found[name]

    assert found == value


def test_requests_to_model_apis_are_lines_with_a_json_body(by_key: dict[str, Host]) -> None:
    line = shlex.split(text_of(by_key["openai"]))
    (tool,) = json.loads(line[line.index("-d") + 1])["tools"]
    # OpenAI adds the word Bearer itself.
    assert tool["authorization"] == TOKEN
    assert (tool["type"], tool["server_url"]) == ("mcp", ENDPOINT)

    line = shlex.split(text_of(by_key["claude-api"]))
    body = json.loads(line[line.index("-d") + 1])
    (server,) = body["mcp_servers"]
    assert server["authorization_token"] == TOKEN
    assert body["tools"] == [{"type": "mcp_toolset", "mcp_server_name": server["name"]}]
    assert "anthropic-beta: mcp-client-2025-11-20" in line


def test_links_decode_to_the_very_configuration(by_key: dict[str, Host]) -> None:
    link = urlsplit(way_of(by_key["cursor"], "sign_in").link)
    query = parse_qs(link.query)
    assert (link.scheme, link.netloc, link.path) == (
        "cursor",
        "anysphere.cursor-deeplink",
        "/mcp/install",
    )
    assert query["name"] == ["cliqtel"]
    assert json.loads(base64.b64decode(query["config"][0])) == {"url": ENDPOINT}

    scheme, _, config = way_of(by_key["vs-code"], "sign_in").link.partition("?")
    assert scheme == "vscode:mcp/install"
    expected = {"name": "cliqtel", "type": "http", "url": ENDPOINT}
    assert json.loads(unquote(config)) == expected
    command, option, config = shlex.split(text_of(by_key["vs-code"], "sign_in"))
    assert (command, option, json.loads(config)) == ("code", "--add-mcp", expected)


def test_every_block_is_whole_in_its_own_language(settings: Settings) -> None:
    settings.MCP_RESOURCE_URL = ENDPOINT
    seen = set()
    for _, _, block in every_block():
        seen.add(block.language)
        if block.language == "json":
            assert isinstance(json.loads(block.text), dict)
        elif block.language == "sh":
            assert shlex.split(block.text)[0] in {"claude", "curl", "code", "npx"}
        elif block.language == "python":
            compile(block.text, "sample.py", "exec")

    assert seen == {"", "json", "sh", "python", "typescript"}


@pytest.mark.parametrize(
    ("endpoint", "is_out_of_reach"),
    [
        ("http://127.0.0.1:8000/mcp", True),
        ("http://localhost:8000/mcp", True),
        ("https://10.0.0.7/mcp", True),
        (ENDPOINT, False),
    ],
)
def test_hosts_that_call_from_elsewhere_say_so_of_a_local_endpoint(
    endpoint: str, is_out_of_reach: bool, settings: Settings
) -> None:
    settings.MCP_RESOURCE_URL = endpoint
    found = {host.key: host.is_out_of_reach for host in hosts()}

    assert found["claude"] is found["chatgpt"] is found["copilot-studio"] is is_out_of_reach
    assert found["claude-code"] is found["curl"] is False


@pytest.mark.django_db
def test_the_host_of_the_address_is_shown_and_remembered(alice: Membership) -> None:
    client = Client()
    client.force_login(alice.user)

    first = client.get(URL).content.decode()
    assert 'value="claude" checked' in first
    assert "ai_host" not in client.cookies

    assert 'value="cursor" checked' in client.get(f"{URL}?host=cursor").content.decode()
    assert 'value="cursor" checked' in client.get(URL).content.decode()


@pytest.mark.django_db
def test_a_host_that_is_none_is_passed_over(alice: Membership) -> None:
    client = Client()
    client.force_login(alice.user)
    client.cookies["ai_host"] = "<script>"

    page = client.get(f"{URL}?host=%22onload%3D").content.decode()

    assert 'value="claude" checked' in page
    assert page.count(" checked") == 1 + sum(bool(h.sign_in and h.token) for h in hosts())
    assert client.cookies["ai_host"].value == "<script>"


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_what_can_run_here_works_as_it_stands(
    web: Web, alice: Membership, settings: Settings, tmp_path: Path
) -> None:
    """curl, and both SDKs: what people copy is what runs."""
    _, plaintext = make_token(alice)
    settings.MCP_RESOURCE_URL = web.mcp
    found = {host.key: host for host in hosts(plaintext)}
    commands = {
        "curl": ["sh", "-c", text_of(found["curl"])],
        "python": [sys.executable, "-c", text_of(found["python"])],
    }
    if shutil.which("curl") is None:
        del commands["curl"]
    if shutil.which("node") and (NODE_PACKAGES / "@modelcontextprotocol" / "client").exists():
        program = tmp_path / "sample.mjs"
        program.write_text(text_of(found["typescript"]))
        (tmp_path / "node_modules").symlink_to(NODE_PACKAGES.resolve())
        commands["typescript"] = ["node", str(program)]

    for name, command in commands.items():
        answer = subprocess.run(
            command, capture_output=True, timeout=60, check=False, env={**os.environ}
        )
        assert answer.returncode == 0, f"{name}: {answer.stderr.decode()[-500:]}"
        assert b"acme-test" in answer.stdout, name
        assert b"alice@acme.example" in answer.stdout, name
