"""The two statements of a search: what the typed words may mean, and which articles say it.

Relevance is a weighted share of the query's words: a rare word counts for more than a common one,
a hit in the title (A) for more than in keywords (B), headings (C) or text (D), an exact word for
more than a completed or corrected one. Words that no article has stay in the denominator.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

from django.db import connection

from cliqtel_portal.docs.loading import SEARCH_CONFIG

# How far to trust a term that is not the very word.
_COMPLETED = 0.8  # "registr" → registration
_COMPLETED_KNOWN = 0.45  # "port" → portal: complete as it is, but perhaps still being typed
_RELATED = 0.5  # register → registration: other stem, same beginning
_CORRECTED = 0.8
_RELATED_PREFIX = 5
_CLOSE_ENOUGH = 0.72  # ratio of equal letters below which a word is another word
_MAX_SNIPPET_CHARS = 260
# Around what matches in a headline: of the private use area, so that no text can forge it.
_MARKS = re.compile("[\ue000\ue001]")
_MARKED = re.compile("\ue000([^\ue000\ue001]+)\ue001")
_WORTH_A_GUESS = 0.5  # above which it is still worth asking "did you mean"

# Exact lexeme, completions, and words of similar letters; `%` is pg_trgm's, by index. A short word
# with two letters swapped (srpt) shares too few trigrams for it: there, the initial and length.
_MEANINGS = """
    SELECT typed.position, cardinality(lexemes) = 0 AS is_stop_word, known.*,
           (SELECT count(*) FROM docs_article) AS articles
    FROM unnest(%(words)s::text[]) WITH ORDINALITY AS typed (word, position)
    CROSS JOIN LATERAL tsvector_to_array(to_tsvector(%(config)s::regconfig, typed.word)) AS lexemes
    LEFT JOIN LATERAL (
        (SELECT 'exact' AS kind, min(word) AS candidate, lexeme, max(documents) AS documents
         FROM docs_word WHERE lexeme = ANY (lexemes) GROUP BY lexeme)
        UNION ALL
        (SELECT 'completed', word, lexeme, documents FROM docs_word
         WHERE word LIKE typed.word || '_%%' AND length(typed.word) >= 2
         ORDER BY documents DESC, word LIMIT 8)
        UNION ALL
        (SELECT 'similar', word, lexeme, documents FROM docs_word
         WHERE word <> typed.word AND (word %% typed.word OR (
             length(typed.word) BETWEEN 3 AND 5 AND word LIKE left(typed.word, 1) || '%%'
             AND abs(length(word) - length(typed.word)) <= 1))
         ORDER BY similarity(word, typed.word) DESC, documents DESC, word LIMIT 12)
    ) AS known ON cardinality(lexemes) > 0
    ORDER BY typed.position
"""

_ARTICLES = """
    WITH term AS (
        SELECT position, weight, trust, lexeme::tsquery AS query
        FROM unnest(%(positions)s::int[], %(weights)s::float8[], %(trusts)s::float8[],
                    %(lexemes)s::text[]) AS given (position, weight, trust, lexeme)
    ), word_hit AS (
        SELECT article.id, term.position, term.weight,
               max(term.trust * least(1, 1.6 * ts_rank(
                   '{0.15, 0.35, 0.75, 1}', article.search, term.query))) AS strength
        FROM docs_article AS article JOIN term ON article.search @@ term.query
        GROUP BY article.id, term.position, term.weight
    ), covered AS (
        SELECT id, sum(strength * weight) / %(total)s AS share FROM word_hit GROUP BY id
    ), scored AS (
        SELECT article.*,
               0.8 * coalesce(covered.share, 0)
               + 0.1 * (article.search @@ query.strict)::int
               + 0.1 * word_similarity(%(plain)s, article.names)
               + CASE WHEN article.countries = '{}' THEN 0
                      WHEN %(country)s = '' THEN -0.03 ELSE 0.03 END AS score
        FROM docs_article AS article
        CROSS JOIN (SELECT websearch_to_tsquery(%(config)s::regconfig, %(websearch)s) AS strict,
                           to_tsquery(%(config)s::regconfig, %(excluded)s) AS excluded) AS query
        LEFT JOIN covered USING (id)
        WHERE (covered.id IS NOT NULL OR %(plain)s <%% article.names)
          AND NOT article.search @@ query.excluded
          AND CASE WHEN %(product)s = '' THEN article.product <> 'tools'
                   ELSE article.product = %(product)s END
          AND (%(country)s = '' OR article.countries = '{}'
               OR article.countries @> ARRAY[%(country)s]::varchar[])
    ), best AS (
        SELECT * FROM scored
        WHERE score >= %(floor)s AND score >= 0.3 * (SELECT max(score) FROM scored)
        ORDER BY score DESC, slug LIMIT %(limit)s
    )
    SELECT best.slug, best.title, part.heading, part.anchor,
           CASE WHEN %(any_term)s = '' THEN best.summary ELSE ts_headline(
               %(config)s::regconfig, part.text, %(any_term)s::tsquery,
               'StartSel="\ue000", StopSel="\ue001", MaxFragments=1, MinWords=20, MaxWords=35') END,
           part.text,
           least(1, greatest(0, best.score)), best.updated_at
    FROM best CROSS JOIN LATERAL (
        SELECT section.heading, section.anchor, section.text
        FROM docs_section AS section
        LEFT JOIN LATERAL (
            SELECT sum(weight * strength) AS rank FROM (
                SELECT term.weight, max(term.trust * ts_rank(
                    '{0.4, 0.4, 0.4, 1}', section.search, term.query)) AS strength
                FROM term WHERE section.search @@ term.query
                GROUP BY term.position, term.weight) AS hit
        ) AS relevance ON true
        WHERE section.article_id = best.id
        ORDER BY coalesce(relevance.rank, 0) DESC, section.position LIMIT 1
    ) AS part
    ORDER BY best.score DESC, best.slug
"""


@dataclass(frozen=True, kw_only=True)
class Term:
    """One thing to look for: a tsquery of one lexeme, and how sure it is that the word meant it."""

    position: int
    weight: float
    trust: float
    tsquery: str


@dataclass(frozen=True, kw_only=True)
class RankedArticle:
    slug: str
    title: str
    heading: str
    anchor: str
    snippet: str
    # Words of the snippet that the query meant, as they stand there.
    matches: frozenset[str]
    score: float
    updated_at: datetime


@dataclass(kw_only=True)
class Meanings:
    """What the words may mean; `words` are those that are no stop words.

    `corrections` maps a misspelt word to the known one that is searched for instead, `guesses` one
    that nothing was found for to a known one that looks a little like it.
    """

    words: list[str] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    total_weight: float = 0.0
    corrections: dict[str, str] = field(default_factory=dict)
    guesses: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    kind: str
    word: str
    lexeme: str
    documents: int


def meanings_of(words: Sequence[str]) -> Meanings:
    """Return the terms to look for; adjacent words are also tried as one (`gsm 7`)."""
    pairs = [first + second for first, second in pairwise(words)]
    with connection.cursor() as cursor:
        cursor.execute(_MEANINGS, {"words": [*words, *pairs], "config": SEARCH_CONFIG})
        rows = cursor.fetchall()
    known: dict[int, list[_Candidate]] = {}
    articles = rows[0][-1] if rows else 0
    for position, is_stop_word, kind, candidate, lexeme, documents, _ in rows:
        if not is_stop_word:
            candidates = known.setdefault(position - 1, [])
            if kind:
                candidates.append(
                    _Candidate(kind=kind, word=candidate, lexeme=lexeme, documents=documents)
                )
    result = Meanings()
    joined = {
        index: [c for c in known.get(len(words) + index, []) if c.kind == "exact"]
        for index in range(len(pairs))
    }
    for position, word in enumerate(words):
        beside = joined.get(position - 1, []) + joined.get(position, [])
        if position in known or beside:
            result.words.append(word)
            is_last = position == len(words) - 1
            _add(result, position, word, known.get(position, []), beside, is_last, articles)
    return result


def _add(
    result: Meanings,
    position: int,
    word: str,
    candidates: list[_Candidate],
    beside: list[_Candidate],
    is_last: bool,
    articles: int,
) -> None:
    exact = [c for c in candidates if c.kind == "exact"] + beside
    completed = [c for c in candidates if c.kind == "completed"]
    similar = [c for c in candidates if c.kind == "similar"]
    trusts: dict[str, float] = {}
    meant = list(exact)

    def trust(candidate: _Candidate, value: float, suffix: str = "") -> None:
        tsquery = _quoted(candidate.lexeme) + suffix
        trusts[tsquery] = max(value, trusts.get(tsquery, 0.0))

    for candidate in exact:
        trust(candidate, 1.0)
    if exact:
        for candidate in similar:
            if candidate.word[:_RELATED_PREFIX] == word[:_RELATED_PREFIX]:
                trust(candidate, _RELATED)
        if is_last and len(word) >= 3:
            for candidate in completed:
                trust(candidate, _COMPLETED_KNOWN)
    else:
        for candidate in completed:
            trust(candidate, _COMPLETED)
        if completed:
            trusts[_quoted(word) + ":*"] = _COMPLETED
        near = _nearest(word, similar)
        corrections = [(c, closeness) for c, closeness in near if closeness >= _CLOSE_ENOUGH]
        for candidate, closeness in corrections:
            trust(candidate, _CORRECTED * closeness)
        if corrections and not completed:
            result.corrections[word] = corrections[0][0].word
        elif near and not completed:
            result.guesses[word] = near[0][0].word
        meant = completed or [candidate for candidate, _ in corrections]
    rarest = min((candidate.documents for candidate in meant), default=1)
    weight = math.log(1 + articles / rarest)
    result.total_weight += weight
    result.terms += [
        Term(position=position, weight=weight, trust=value, tsquery=tsquery)
        for tsquery, value in trusts.items()
    ]


def _nearest(word: str, similar: list[_Candidate]) -> list[tuple[_Candidate, float]]:
    """Return what a misspelt word may have been, the nearest first; 401 never means 407."""
    digits = _digits(word)
    near = [
        (candidate, SequenceMatcher(None, word, candidate.word).ratio())
        for candidate in similar
        if _digits(candidate.word) == digits
    ]
    return sorted(
        ((candidate, ratio) for candidate, ratio in near if ratio >= _WORTH_A_GUESS),
        key=lambda pair: (-pair[1], -pair[0].documents, pair[0].word),
    )[:4]


def _digits(word: str) -> str:
    return "".join(char for char in word if char.isdigit())


def _quoted(lexeme: str) -> str:
    """A lexeme as a tsquery literal: quoted, it can't be an operator."""
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def rank_articles(
    meanings: Meanings,
    *,
    websearch: str,
    excluded: Sequence[str],
    product: str,
    country: str,
    limit: int,
    floor: float,
) -> list[RankedArticle]:
    """Return the best articles first; `product` and `country` empty mean any."""
    terms = meanings.terms
    if not meanings.words:
        return []
    parameters: dict[str, Any] = {
        "positions": [term.position for term in terms],
        "weights": [term.weight for term in terms],
        "trusts": [term.trust for term in terms],
        "lexemes": [term.tsquery for term in terms],
        "any_term": " | ".join(dict.fromkeys(term.tsquery for term in terms)),
        "total": meanings.total_weight or 1.0,
        "plain": " ".join(meanings.words),
        "websearch": websearch,
        "excluded": " | ".join(_quoted(word) for word in excluded),
        "config": SEARCH_CONFIG,
        "product": product,
        "country": country,
        "limit": limit,
        "floor": floor,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ARTICLES, parameters)
        rows = cursor.fetchall()
    return [
        RankedArticle(
            slug=slug,
            title=title,
            heading=heading,
            anchor=anchor,
            snippet=_excerpt(_MARKS.sub("", snippet), text),
            matches=frozenset(_MARKED.findall(snippet)),
            score=score,
            updated_at=updated_at,
        )
        for slug, title, heading, anchor, snippet, text, score, updated_at in rows
    ]


def _excerpt(snippet: str, text: str) -> str:
    """The snippet on one line, with an ellipsis where the text goes on.

    ts_headline drops stop words at the start, the last full stop, and what looks like a tag: so
    the edges are compared, and put back where they are those of the text.
    """
    words, whole = snippet.split(), text.split()
    start, end = "… ", " …"
    for skipped in range(3):
        if whole[skipped : skipped + 2] == words[:2]:
            words, start = whole[:skipped] + words, ""
            break
    if [word.rstrip(".") for word in whole[-2:]] == [word.rstrip(".") for word in words[-2:]]:
        words, end = words[:-1] + whole[-1:], ""
    excerpt = " ".join(words)
    if len(excerpt) > _MAX_SNIPPET_CHARS:
        excerpt, end = excerpt[:_MAX_SNIPPET_CHARS].rstrip(), " …"
    return f"{start}{excerpt}{end}"
