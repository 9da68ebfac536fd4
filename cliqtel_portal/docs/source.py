"""An article's file: front matter between two lines of `---`, then Markdown.

In the Markdown `{{ endpoint }}` and `{{ issuer }}` stand for the addresses of this portal, and
`{{ sample NAME }}` on a line of its own for a file of docs/clients/, as a block of code.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.conf import settings

from cliqtel_portal.countries import is_country
from cliqtel_portal.docs.errors import ArticleInvalid
from cliqtel_portal.docs.models import Article
from cliqtel_portal.docs.rendering import SectionText, sections_of

# A document is one tool result: hosts cut what is longer than settings.MCP_MAX_RESULT_CHARS.
MAX_MARKDOWN_CHARS = 60_000
# Part of every content hash: a change here indexes all articles anew.
_INDEX_VERSION = "2"
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FIELDS = frozenset({"title", "section", "product", "countries", "keywords", "reviewed"})
_MAY_BE_EMPTY = frozenset({"countries", "keywords"})
_SAMPLE = re.compile(r"^\{\{ sample ([a-z_]+\.(py|ts)) \}\}$", re.MULTILINE)
_LANGUAGES = {"py": "python", "ts": "ts"}


@dataclass(frozen=True, kw_only=True)
class ArticleSource:
    slug: str
    title: str
    section: str
    product: str
    countries: list[str]
    keywords: list[str]
    reviewed: date
    markdown: str
    summary: str
    sections: list[SectionText]
    content_hash: str


_pages: list[Callable[[], Iterable[ArticleSource]]] = []


def register_pages(make: Callable[[], Iterable[ArticleSource]]) -> None:
    """Pages that an app above makes of its code are loaded with the articles."""
    if make not in _pages:
        _pages.append(make)


def made_pages() -> list[ArticleSource]:
    return [page for make in _pages for page in make()]


def read_folder(folder: Path) -> list[ArticleSource]:
    """Return every article of the folder, by name.

    Raises:
        ArticleInvalid: for the first file that is wrong, or a folder without articles: a wrong
            path must not look like "all articles are gone".
    """
    paths = sorted(folder.glob("*.md"))
    if not paths:
        raise ArticleInvalid(f"{folder} has no *.md files. Name the folder of the articles.")
    return [read_article(path) for path in paths]


def read_article(path: Path) -> ArticleSource:
    """Raises: ArticleInvalid."""
    if not _SLUG.fullmatch(path.stem):
        raise _invalid(path, "the name must be lower-case words with hyphens")
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _invalid(path, "it is not UTF-8") from error
    if "\x00" in content:
        raise _invalid(path, "it holds a NUL character")
    fields, markdown = _split(path, content)
    markdown = _SAMPLE.sub(lambda line: _sample(path, line[1], line[2]), with_addresses(markdown))
    if len(markdown) > MAX_MARKDOWN_CHARS:
        raise _invalid(path, f"it is longer than {MAX_MARKDOWN_CHARS} characters; split it")
    if fields["product"] not in Article.Product.values:
        raise _invalid(path, f"product must be one of {', '.join(Article.Product.values)}")
    countries = _list(fields["countries"])
    for country in countries:
        if not is_country(country):
            raise _invalid(path, f"{country} is not an ISO 3166-1 code")
    try:
        reviewed = date.fromisoformat(fields["reviewed"])
    except ValueError as error:
        raise _invalid(path, "reviewed must be a date, for example 2026-11-14") from error
    return make_source(
        path.stem,
        title=fields["title"],
        section=fields["section"],
        product=fields["product"],
        countries=countries,
        keywords=_list(fields["keywords"]),
        reviewed=reviewed,
        markdown=markdown,
    )


def make_source(
    slug: str,
    *,
    title: str,
    section: str,
    product: str,
    countries: list[str],
    keywords: list[str],
    reviewed: date,
    markdown: str,
) -> ArticleSource:
    """The article with what follows from its Markdown."""
    everything = (_INDEX_VERSION, slug, title, section, product, countries, keywords, reviewed)
    sections = sections_of(markdown)
    return ArticleSource(
        slug=slug,
        title=title,
        section=section,
        product=product,
        countries=countries,
        keywords=keywords,
        reviewed=reviewed,
        markdown=markdown,
        summary=sections[0].text.partition("\n")[0],
        sections=sections,
        content_hash=hashlib.sha256(f"{everything}\n{markdown}".encode()).hexdigest(),
    )


def with_addresses(markdown: str) -> str:
    """The Markdown with the addresses of this portal, so that what it shows can be pasted."""
    return markdown.replace("{{ endpoint }}", settings.MCP_RESOURCE_URL).replace(
        "{{ issuer }}", settings.OAUTH_ISSUER
    )


def _sample(path: Path, name: str, suffix: str) -> str:
    try:
        code = (settings.BASE_DIR / "docs" / "clients" / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise _invalid(path, f"there is no sample {name}") from error
    return f"```{_LANGUAGES[suffix]}\n{code.rstrip()}\n```"


def _split(path: Path, content: str) -> tuple[dict[str, str], str]:
    opening, _, rest = content.partition("\n")
    head, separator, markdown = rest.partition("\n---\n")
    if opening != "---" or not separator:
        raise _invalid(path, "the front matter must stand between two lines of ---")
    fields: dict[str, str] = {}
    for line in head.splitlines():
        name, colon, value = line.partition(":")
        if not colon or name not in _FIELDS or name in fields:
            raise _invalid(path, f"the front matter has a line that is not understood: {line}")
        fields[name] = value.strip()
    missing = sorted(
        name
        for name in _FIELDS
        if name not in fields or not (fields[name] or name in _MAY_BE_EMPTY)
    )
    if missing:
        raise _invalid(path, f"the front matter lacks {', '.join(missing)}")
    if not markdown.strip():
        raise _invalid(path, "it has no text")
    return fields, markdown.strip() + "\n"


def _list(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _invalid(path: Path, reason: str) -> ArticleInvalid:
    return ArticleInvalid(f"{path.name} can't be loaded: {reason}.")
