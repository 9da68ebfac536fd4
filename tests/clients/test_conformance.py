"""The MCP project's conformance suite: authorization server, and what fits of the server's part.

Most of the latter calls tools, prompts and resources that only a server made for it has.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.clients.bearer_proxy import bearer_proxy
from tests.clients.node import MODULES, Lines, running
from tests.factories.mcp_access import EVERY_SCOPE, make_token
from tests.wire import free_port

pytestmark = [pytest.mark.wire, pytest.mark.node, pytest.mark.django_db(transaction=True)]

SUITE = MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"


def test_authorization_server_conforms(portal, alice_at_browser, tmp_path):
    port = free_port()
    # A public client: the suite sends no secret to a server that knows clients without one.
    client_id = register(portal.origin, f"http://127.0.0.1:{port}/callback")
    arguments = ["--url", portal.origin, "--port", str(port), "--resource", portal.mcp]
    arguments += ["--client-id", client_id, "--output-dir", str(tmp_path)]
    said = []
    with running(str(SUITE), "authorization", *arguments) as suite:
        lines = Lines(suite)
        while (line := lines.next()) is not None:
            said.append(line)
            if line.startswith(f"{portal.origin}/oauth/authorize?"):
                # The suite asks for a browser: it listens, and waits for the redirect.
                assert httpx2.get(alice_at_browser.allow(line)).status_code == 200
    words = "\n".join(said)
    assert suite.returncode == 0, words
    outcome = {check["id"]: check["status"] for check in results(tmp_path)}
    # Whether we take client ID metadata documents is a recommendation, and has its own tests.
    assert outcome.pop("authorization-server-metadata-cimd") in {"SUCCESS", "WARNING"}, words
    assert outcome == {
        "authorization-server-metadata": "SUCCESS",
        "authorization-code-grant": "SUCCESS",
    }, words


@pytest.mark.parametrize(
    ("revision", "scenario"),
    [
        ("2025-11-25", "server-initialize"),
        ("2025-11-25", "ping"),
        ("2025-11-25", "tools-list"),
        ("2025-11-25", "dns-rebinding-protection"),
        ("2026-07-28", "server-stateless"),
        ("2026-07-28", "tools-list"),
        ("2026-07-28", "dns-rebinding-protection"),
        ("2026-07-28", "caching"),
        ("2026-07-28", "http-header-validation"),
    ],
)
def test_endpoint_conforms(revision, scenario, portal, alice, tmp_path):
    # Every scope: the suite calls whichever tool is listed first.
    _, token = make_token(alice, resource=[portal.mcp], scopes=EVERY_SCOPE)
    arguments = ["--spec-version", revision, "--scenario", scenario]
    with bearer_proxy(portal.origin, token) as origin:
        arguments += ["--url", f"{origin}/mcp", "--output-dir", str(tmp_path)]
        with running(str(SUITE), "server", *arguments) as suite:
            lines = Lines(suite)
            while lines.next() is not None:
                pass
    checks = results(tmp_path)
    wrong = [
        f"{check['id']}: {check['status']} {check.get('errorMessage')}"
        for check in checks
        if check["status"] not in {"SUCCESS", "INFO", "SKIPPED"}
        # It wants a diagnostic tool of its own that we don't have.
        and not check.get("errorMessage", "").startswith("Not testable")
    ]
    assert wrong == []
    assert "SUCCESS" in {check["status"] for check in checks}


def register(origin: str, redirect_uri: str) -> str:
    answer = httpx2.post(
        f"{origin}/oauth/register",
        json={
            "client_name": "Conformance suite",
            "redirect_uris": [redirect_uri],
            "token_endpoint_auth_method": "none",
        },
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["client_id"])


def results(folder: Path) -> list[dict[str, Any]]:
    return [
        check for file in folder.glob("*/checks.json") for check in json.loads(file.read_text())
    ]
