"""The folder of articles into the database, with everything the search needs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from django.contrib.postgres.search import CombinedSearchVector, SearchVector
from django.db import connection, transaction
from django.db.models import Value
from django.utils import timezone

from cliqtel_portal.docs.models import Article, Section, Word
from cliqtel_portal.docs.source import ArticleSource, made_pages, read_folder
from cliqtel_portal.docs.words import indexed_words, plain_words

ARTICLES = Path(__file__).resolve().parent / "articles"
SEARCH_CONFIG = "cliqtel_english"

# A word with several lexemes or none (a stop word) can't be what somebody meant.
_INSERT_WORDS = """
    INSERT INTO docs_word (word, lexeme, documents)
    SELECT word, lexemes[1], documents
    FROM unnest(%(words)s::text[], %(documents)s::int[]) AS given (word, documents)
    CROSS JOIN LATERAL tsvector_to_array(to_tsvector(%(config)s::regconfig, word)) AS lexemes
    WHERE cardinality(lexemes) = 1
"""


@dataclass(frozen=True, kw_only=True)
class LoadCounts:
    added: int
    changed: int
    unchanged: int
    removed: int


@transaction.atomic
def load_articles(folder: Path | None = None) -> LoadCounts:
    """The database has the articles of the folder, and nothing else; unchanged ones cost nothing.

    Without a folder: the project's articles and the pages made of code. A second load at the same
    time waits and finds nothing to do.

    Raises:
        ArticleInvalid: a file is wrong; nothing has changed.
    """
    sources = read_folder(folder) if folder else [*read_folder(ARTICLES), *made_pages()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('docs.load_articles'))")
    hashes = dict(Article.objects.values_list("slug", "content_hash"))
    slugs = {source.slug for source in sources}
    gone = [slug for slug in hashes if slug not in slugs]
    Article.objects.filter(slug__in=gone).delete()
    outdated = [source for source in sources if hashes.get(source.slug) != source.content_hash]
    for source in outdated:
        _store(source)
    if gone or outdated:
        _store_vocabulary(sources)
    added = sum(source.slug not in hashes for source in outdated)
    return LoadCounts(
        added=added,
        changed=len(outdated) - added,
        unchanged=len(sources) - len(outdated),
        removed=len(gone),
    )


def _store(source: ArticleSource) -> None:
    keywords = " ".join([*source.keywords, source.product, source.section])
    article, _ = Article.objects.update_or_create(
        slug=source.slug,
        defaults={
            "title": source.title,
            "section": source.section,
            "product": source.product,
            "countries": source.countries,
            "keywords": source.keywords,
            "markdown": source.markdown,
            "summary": source.summary,
            "reviewed": source.reviewed,
            "content_hash": source.content_hash,
            "updated_at": timezone.now(),
            "names": " ".join(plain_words(f"{source.title} {' '.join(source.keywords)}")),
            "search": _vector("A", source.title)
            + _vector("B", keywords)
            + _vector("C", " ".join(section.heading for section in source.sections))
            + _vector("D", " ".join(section.text for section in source.sections)),
        },
    )
    article.sections.all().delete()
    Section.objects.bulk_create(
        Section(
            article=article,
            position=position,
            heading=section.heading,
            anchor=section.anchor,
            text=section.text,
            search=_vector("A", section.heading) + _vector("D", section.text),
        )
        for position, section in enumerate(source.sections)
    )


def _vector(weight: str, text: str) -> SearchVector | CombinedSearchVector:
    return SearchVector(Value(" ".join(indexed_words(text))), config=SEARCH_CONFIG, weight=weight)


def _store_vocabulary(sources: list[ArticleSource]) -> None:
    documents: Counter[str] = Counter()
    for source in sources:
        texts = [source.title, source.section, source.product, *source.keywords]
        for section in source.sections:
            texts += [section.heading, section.text]
        documents.update(set(indexed_words(" ".join(texts))))
    Word.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_WORDS,
            {
                "words": list(documents),
                "documents": list(documents.values()),
                "config": SEARCH_CONFIG,
            },
        )
