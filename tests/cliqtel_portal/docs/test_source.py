from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pytest_django import Settings

from cliqtel_portal.docs.errors import ArticleInvalid
from cliqtel_portal.docs.source import read_article, read_folder
from cliqtel_portal.settings.base import BASE_DIR
from tests.factories.docs import write_article


def test_front_matter_splits_at_the_first_colon_only(tmp_path: Path) -> None:
    path = write_article(
        tmp_path, "a-b", title="Fix it: now", countries="NL, DE", keywords="one, two words"
    )
    source = read_article(path)
    assert source.slug == "a-b"
    assert source.title == "Fix it: now"
    assert source.countries == ["NL", "DE"]
    assert source.keywords == ["one", "two words"]
    assert source.reviewed == date(2026, 11, 1)
    assert source.summary == "The introduction says what it is about."
    assert source.markdown.startswith("The introduction")


def test_countries_and_keywords_may_be_empty(tmp_path: Path) -> None:
    source = read_article(write_article(tmp_path, "a"))
    assert source.countries == []
    assert source.keywords == []


def test_the_hash_follows_the_content(tmp_path: Path) -> None:
    first = read_article(write_article(tmp_path, "a", title="One")).content_hash
    assert read_article(write_article(tmp_path, "a", title="One")).content_hash == first
    assert read_article(write_article(tmp_path, "a", title="Two")).content_hash != first


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"product": "toys"}, "product must be one of"),
        ({"countries": "XX"}, "XX is not an ISO 3166-1 code"),
        ({"reviewed": "yesterday"}, "reviewed must be a date"),
        ({"title": ""}, "lacks title"),
        ({"markdown": "\n"}, "has no text"),
        ({"markdown": "a\x00b"}, "NUL"),
        ({"markdown": "a" * 60_001}, "longer than"),
        ({"keywords": "a\nauthor: me"}, "not understood: author: me"),
    ],
)
def test_a_wrong_file_is_named_with_the_reason(
    tmp_path: Path, wrong: dict[str, str], reason: str
) -> None:
    with pytest.raises(ArticleInvalid) as caught:
        read_article(write_article(tmp_path, "some-article", **wrong))
    assert "some-article.md" in caught.value.message
    assert reason in caught.value.message


@pytest.mark.parametrize("content", [b"no front matter", b"---\ntitle: x\n", b"---\n\xff\n---\nx"])
def test_a_file_that_is_no_article_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(content)
    with pytest.raises(ArticleInvalid):
        read_article(path)


def test_a_name_that_would_break_links_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArticleInvalid, match="lower-case words"):
        read_article(write_article(tmp_path, "Not A Slug"))


def test_an_empty_folder_is_an_error_and_not_the_end_of_all_articles(tmp_path: Path) -> None:
    with pytest.raises(ArticleInvalid, match="has no"):
        read_folder(tmp_path)


def test_addresses_are_those_of_this_portal(tmp_path: Path, settings: Settings) -> None:
    settings.MCP_RESOURCE_URL = "https://mcp.example/mcp"
    settings.OAUTH_ISSUER = "https://portal.example"
    path = write_article(tmp_path, "a", markdown="Paste {{ endpoint }} at {{ issuer }}/docs/.\n")
    source = read_article(path)
    assert source.markdown == "Paste https://mcp.example/mcp at https://portal.example/docs/.\n"
    settings.OAUTH_ISSUER = "https://other.example"
    assert read_article(path).content_hash != source.content_hash


def test_an_article_shows_a_sample_client_as_its_file_is(tmp_path: Path) -> None:
    path = write_article(tmp_path, "a", markdown="Run it:\n\n{{ sample python_bearer.py }}\n")
    code = (BASE_DIR / "docs" / "clients" / "python_bearer.py").read_text()
    assert f"\n\n```python\n{code.rstrip()}\n```\n" in read_article(path).markdown


def test_a_sample_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = write_article(tmp_path, "a", markdown="{{ sample no_such.py }}\n")
    with pytest.raises(ArticleInvalid, match=r"a\.md .* no sample no_such\.py"):
        read_article(path)
