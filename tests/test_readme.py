"""What README and docs/ point at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text()
# A path may be written from where the reader's eyes are: the project's package, or its settings.
_FROM = (ROOT, ROOT / "cliqtel_portal")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_pictures_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []

    paths = re.findall(r"`([\w.-]+(?:/[\w.*-]+)*/[\w.*-]*)`", text)
    places = (page.parent, *_FROM)
    lost = [path for path in paths if not any(any(p.glob(path.rstrip("/"))) for p in places)]
    assert lost == []


def test_its_commands_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make (\w+)", README, flags=re.MULTILINE)) <= targets
    named = set(re.findall(r"manage\.py (\w+)", README))
    assert {"mcp_token", "verify_audit", "demo"} <= named
    assert named <= get_commands().keys()


def test_its_tests_exist() -> None:
    names = re.findall(r'-k (\w+)"', README)
    assert names
    tests = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    for name in set(names) - {"name"}:
        assert any(re.search(rf"def test_\w*{name}", text) for text in tests), name
