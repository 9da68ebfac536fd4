from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.utils import IntegrityError

from cliqtel_portal.docs.demo import seed
from cliqtel_portal.docs.errors import ArticleInvalid
from cliqtel_portal.docs.loading import ARTICLES, LoadCounts, load_articles
from cliqtel_portal.docs.models import Article, Section, Word
from cliqtel_portal.docs.source import made_pages
from tests.factories.docs import write_article

pytestmark = pytest.mark.django_db


def test_the_folder_of_the_project_loads_whole() -> None:
    files = [path.stem for path in ARTICLES.glob("*.md")]
    pages = [page.slug for page in made_pages()]
    counts = load_articles()
    assert counts == LoadCounts(added=len(files + pages), changed=0, unchanged=0, removed=0)
    assert set(Article.objects.values_list("slug", flat=True)) == {*files, *pages}
    assert "tools/whoami" in pages
    assert len(files) >= 30


def test_a_second_load_changes_nothing(tmp_path: Path) -> None:
    write_article(tmp_path, "a")
    load_articles(tmp_path)
    before = Article.objects.values("pk", "updated_at").get()
    sections = set(Section.objects.values_list("pk", flat=True))
    assert load_articles(tmp_path) == LoadCounts(added=0, changed=0, unchanged=1, removed=0)
    assert Article.objects.values("pk", "updated_at").get() == before
    assert set(Section.objects.values_list("pk", flat=True)) == sections


def test_a_changed_file_keeps_its_article_and_replaces_its_sections(tmp_path: Path) -> None:
    write_article(tmp_path, "a", title="Old", markdown="Intro.\n\n## Obsolete\n\nzebra\n")
    write_article(tmp_path, "b")
    load_articles(tmp_path)
    before = Article.objects.get(slug="a")
    write_article(tmp_path, "a", title="New", markdown="Intro.\n\n## Fresh\n\nGiraffe\n")
    assert load_articles(tmp_path) == LoadCounts(added=0, changed=1, unchanged=1, removed=0)
    after = Article.objects.get(slug="a")
    assert after.pk == before.pk
    assert after.title == "New"
    assert after.updated_at > before.updated_at
    assert list(after.sections.order_by("position").values_list("heading", flat=True)) == [
        "",
        "Fresh",
    ]
    assert Word.objects.filter(word="giraffe").exists()
    assert not Word.objects.filter(word="zebra").exists()


def test_an_article_whose_file_is_gone_goes(tmp_path: Path) -> None:
    write_article(tmp_path, "a")
    gone = write_article(tmp_path, "b", title="Giraffe")
    load_articles(tmp_path)
    gone.unlink()
    assert load_articles(tmp_path) == LoadCounts(added=0, changed=0, unchanged=1, removed=1)
    assert list(Article.objects.values_list("slug", flat=True)) == ["a"]
    assert not Word.objects.filter(word="giraffe").exists()


def test_one_wrong_file_leaves_everything_as_it_was(tmp_path: Path) -> None:
    write_article(tmp_path, "a", title="Old")
    load_articles(tmp_path)
    write_article(tmp_path, "a", title="New")
    write_article(tmp_path, "b", product="toys")
    with pytest.raises(ArticleInvalid):
        load_articles(tmp_path)
    assert list(Article.objects.values_list("title", flat=True)) == ["Old"]


def test_the_vocabulary_has_stems_and_no_stop_words(tmp_path: Path) -> None:
    write_article(tmp_path, "a", markdown="The registration of the trunks: Überweisung.\n")
    load_articles(tmp_path)
    assert Word.objects.get(word="registration").lexeme == "registr"
    assert Word.objects.filter(word="uberweisung").exists()
    assert not Word.objects.filter(word="the").exists()


@pytest.mark.django_db(transaction=True)
def test_two_loads_at_once_make_every_article_once(tmp_path: Path) -> None:
    for number in range(5):
        write_article(tmp_path, f"article-{number}")
    start = threading.Barrier(2)
    counts: list[LoadCounts] = []

    def load() -> None:
        start.wait(timeout=10)
        try:
            counts.append(load_articles(tmp_path))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(count.added for count in counts) == [0, 5]
    assert sorted(count.unchanged for count in counts) == [0, 5]
    assert Article.objects.count() == 5
    assert Section.objects.count() == 10


def test_the_command_prints_the_counts(tmp_path: Path) -> None:
    write_article(tmp_path, "a")
    output = io.StringIO()
    call_command("load_docs", folder=tmp_path, stdout=output)
    assert output.getvalue() == "Articles: 1 added, 0 changed, 0 unchanged, 0 removed.\n"


def test_the_command_names_the_wrong_file(tmp_path: Path) -> None:
    write_article(tmp_path, "broken", product="toys")
    with pytest.raises(CommandError, match=r"broken\.md"):
        call_command("load_docs", folder=tmp_path, stdout=io.StringIO())


def test_the_demo_has_the_articles_and_may_be_seeded_twice() -> None:
    seed({})
    before = set(Article.objects.values_list("pk", "content_hash"))
    seed({})
    assert len(before) >= 30
    assert set(Article.objects.values_list("pk", "content_hash")) == before


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("slug", "Not a slug", "docs_article_slug_valid"),
        ("product", "toys", "docs_article_product_valid"),
        ("title", "", "docs_article_not_blank"),
    ],
)
def test_the_database_refuses_what_the_loader_would(
    tmp_path: Path, column: str, value: str, constraint: str
) -> None:
    write_article(tmp_path, "a")
    load_articles(tmp_path)
    with pytest.raises(IntegrityError, match=constraint):
        Article.objects.update(**{column: value})


def test_the_text_search_configuration_folds_accents() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_tsvector('cliqtel_english', 'Überweisungen')::text")
        assert cursor.fetchone() == ("'uberweisungen':1",)
