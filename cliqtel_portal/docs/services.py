"""What pages and tools ask of the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse

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
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class Hit:
    """`section` is the heading under which the best match stands; `url` and `path` lead there.

    `snippet` is plain text, not HTML. `score` is between 0 and 1.
    """

    document_id: str
    title: str
    section: str
    snippet: str
    score: float
    path: str
    url: str
    updated_at: datetime


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
    3166-1) leaves out articles that are about other countries only. Two database queries at most.
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
        score=round(row.score, 3),
        path=path,
        url=f"{settings.OAUTH_ISSUER}{path}",
        updated_at=row.updated_at,
    )


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
