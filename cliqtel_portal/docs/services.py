"""What pages and tools ask of the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.text import slugify

from cliqtel_portal.docs.errors import DocumentNotFound
from cliqtel_portal.docs.models import Article
from cliqtel_portal.docs.ranking import RankedArticle, meanings_of, rank_articles
from cliqtel_portal.docs.words import query_words

MAX_QUERY_CHARS = 400
INTRODUCTION = "Introduction"

# Words beyond this say little more; each costs index look-ups.
_MAX_WORDS = 24
# Below this an article only shares letters or a common word with the query.
_LEAST_SCORE = 0.05
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*|tools/[a-z0-9_]+")
# What a person looks for first; a section that is not named here comes last.
_SECTIONS = (
    "AI Access",
    "Numbers",
    "Call flows",
    "SIP trunks",
    "Messaging",
    "Porting",
    "Emergency calls",
    "Troubleshooting",
    "MCP tools",
)


@dataclass(frozen=True, kw_only=True)
class Hit:
    """`section` is the heading under which the best match stands; `url` and `path` lead there.

    `snippet` is plain text, not HTML; `matches` are the words in it that the query meant. `score`
    is between 0 and 1.
    """

    document_id: str
    title: str
    section: str
    snippet: str
    matches: frozenset[str]
    score: float
    path: str
    url: str
    updated_at: datetime

    @property
    def parts(self) -> list[tuple[str, bool]]:
        """The snippet in pieces, each with whether it is what was looked for."""
        if not self.matches:
            return [(self.snippet, False)]
        words = "|".join(re.escape(word) for word in sorted(self.matches, key=len, reverse=True))
        pieces = re.split(rf"(?<!\w)({words})(?!\w)", self.snippet)
        return [(piece, place % 2 == 1) for place, piece in enumerate(pieces) if piece]


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """`did_you_mean`: the query with misspelt words corrected, or empty.

    With hits, they are those of the corrected query; without, it is a guess worth trying.
    """

    hits: tuple[Hit, ...]
    did_you_mean: str


def search(
    query: str, *, product: str | None = None, country: str | None = None, limit: int = 10
) -> SearchResult:
    """Return the articles that answer the query, best first. Any text is a query.

    Understands "quoted phrases" and -excluded words; completes and corrects words. `country` (ISO
    3166-1) leaves out articles that are about other countries only. Pages of tools are found by
    `product="tools"` only. Two database queries at most.
    """
    wanted, excluded, websearch = query_words(query[:MAX_QUERY_CHARS])
    words = list(dict.fromkeys(wanted))[:_MAX_WORDS]
    if not words:
        return SearchResult(hits=(), did_you_mean="")
    meanings = meanings_of(words)
    ranked = rank_articles(
        meanings,
        websearch=websearch,
        excluded=excluded,
        product=product or "",
        country=country or "",
        limit=limit,
        floor=_LEAST_SCORE,
    )
    instead = meanings.corrections if ranked else meanings.corrections | meanings.guesses
    did_you_mean = " ".join(instead.get(word, word) for word in wanted) if instead else ""
    return SearchResult(hits=tuple(_hit(row) for row in ranked), did_you_mean=did_you_mean)


def _hit(row: RankedArticle) -> Hit:
    path = reverse("docs:detail", args=[row.slug])
    if row.anchor:
        path = f"{path}#{row.anchor}"
    return Hit(
        document_id=row.slug,
        title=row.title,
        section=row.heading or INTRODUCTION,
        snippet=row.snippet,
        matches=row.matches,
        score=round(row.score, 3),
        path=path,
        url=f"{settings.OAUTH_ISSUER}{path}",
        updated_at=row.updated_at,
    )


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """A section of the contents; its articles have neither text nor search vector."""

    title: str
    anchor: str
    articles: tuple[Article, ...]


def contents() -> list[Chapter]:
    """Every article by section, in the order of the reader. One query."""
    by_section: dict[str, list[Article]] = {}
    for article in Article.objects.order_by("title").defer("markdown", "search", "names"):
        by_section.setdefault(article.section, []).append(article)
    order = {title: place for place, title in enumerate(_SECTIONS)}
    titles = sorted(by_section, key=lambda title: (order.get(title, len(order)), title))
    return [
        Chapter(title=title, anchor=slugify(title), articles=tuple(by_section[title]))
        for title in titles
    ]


def neighbours(chapters: list[Chapter], slug: str) -> tuple[Article | None, Article | None]:
    """The articles before and after this one in its section."""
    for chapter in chapters:
        slugs = [article.slug for article in chapter.articles]
        if slug in slugs:
            place = slugs.index(slug)
            before = chapter.articles[place - 1] if place else None
            after = chapter.articles[place + 1] if place + 1 < len(slugs) else None
            return before, after
    return None, None


def find_document(document_id: str) -> Article:
    """Return the article.

    Raises:
        DocumentNotFound: there is none of that id.
    """
    # What is no slug is no article either, and may hold characters that PostgreSQL refuses.
    article = None
    if _SLUG.fullmatch(document_id):
        article = Article.objects.filter(slug=document_id).first()
    if article is None:
        raise DocumentNotFound(
            "There is no article with this document_id. Take one from the hits of search_docs."
        )
    return article
