"""The sample clients of docs/clients/, run as the person who copied the folder would."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import httpx2
import pytest

from audit.models import ToolCall
from mcp_access.models import AccessToken
from tests.clients import node
from tests.factories.mcp_access import make_token
from tests.factories.numbers import PhoneNumberFactory

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "clients"
TYPESCRIPT = pytest.param("typescript", marks=pytest.mark.node)


@pytest.fixture
def command(tmp_path: Path) -> Callable[[str, str], list[str]]:
    """How a copy of a sample is started."""

    def copied(language: str, way: str) -> list[str]:
        if language == "python":
            return [sys.executable, str(FOLDER / f"python_{way}.py")]
        folder = tmp_path / "clients"
        shutil.copytree(FOLDER, folder)
        (folder / "node_modules").symlink_to(node.MODULES)
        return [node.require(), str(folder / f"typescript_{way}.ts")]

    return copied


def said(lines: node.Lines) -> list[str]:
    """All that is still to come."""
    return list(iter(lines.next, None))


def environment(**values: str) -> dict[str, str]:
    """Without what the test run itself has set; the browser is one that does nothing."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "BROWSER": "true", **values}


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["python", TYPESCRIPT])
def test_sample_with_a_token_reads_the_inventory(language, portal, alice, command):
    PhoneNumberFactory(tenant=alice.tenant, e164="+31201234567")
    _, token = make_token(alice, scopes=("mcp.inventory.read",), resource=[portal.mcp])
    with node.started(
        *command(language, "bearer"), portal.mcp, env=environment(CLIQTEL_TOKEN=token)
    ) as sample:
        tools, me, number = said(node.Lines(sample))
    assert sample.returncode == 0
    assert "list_inventory" in tools
    assert alice.tenant.name in me
    assert me.endswith("scopes: mcp.inventory.read")
    assert number == "+31201234567  active"
    rows = ToolCall.objects.order_by("pk").values_list("tool", "status")
    assert list(rows) == [("whoami", "ok"), ("list_inventory", "ok")]


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["python", TYPESCRIPT])
def test_sample_signs_a_person_in(language, portal, alice, alice_at_browser, command):
    with node.started(*command(language, "oauth"), portal.mcp, env=environment()) as sample:
        lines = node.Lines(sample)
        url = (lines.next() or "").removeprefix("Sign in at ")
        callback = alice_at_browser.allow(url)
        assert httpx2.get(callback).text == "You can close this window."
        tools, me, inventory = said(lines)
    assert sample.returncode == 0
    assert "list_inventory" in tools
    assert alice.user.email in me
    assert inventory.startswith("list_inventory: ")
    assert {row.kind for row in AccessToken.objects.all()} == {"oauth"}


def test_samples_pin_the_versions_that_they_are_tested_with():
    assert (FOLDER / "requirements.txt").read_text() == f"mcp=={version('mcp')}\n"
    tested = json.loads((node.HERE / "package.json").read_text())["devDependencies"]
    pinned = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    assert pinned == {name: tested[name] for name in pinned}


@pytest.mark.parametrize("sample", sorted(FOLDER.glob("*_*.*s*")), ids=lambda path: path.name)
def test_sample_is_short(sample):
    assert len(sample.read_text().splitlines()) < 120
