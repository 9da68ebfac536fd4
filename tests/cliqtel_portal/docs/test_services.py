from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from cliqtel_portal.docs.errors import DocumentNotFound
from cliqtel_portal.docs.loading import load_articles
from cliqtel_portal.docs.models import Article
from cliqtel_portal.docs.services import find_document, search
from tests.factories.docs import write_article

pytestmark = pytest.mark.django_db


def found(query: str, **filters: str) -> list[str]:
    return [hit.document_id for hit in search(query, **filters).hits]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        "-",
        '"',
        "'",
        "\\",
        "%_%",
        "& | ! ( ) <-> :*",
        "'sip':* & !'x'",
        "sip' OR 1=1; DROP TABLE docs_article; --",
        '"unbalanced sip',
        "--- -- -x",
        "or",
        "can i",
        "\x00teams\x00",
        "\ud800 teams",
        "😀😀",
        "電話 番号",
        "<script>alert(1)</script>",
        "a" * 400,
        "sip " * 100,
        " ".join(f"word{number}" for number in range(60)),
    ],
)
@pytest.mark.usefixtures("articles")
def test_any_text_is_a_query(
    query: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(2):
        result = search(query)
    assert all(0 < hit.score <= 1 for hit in result.hits)
    assert Article.objects.count() >= 30


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    query=st.lists(
        st.one_of(
            st.sampled_from(["sip", "teams", "-", '"', "'", "\\", ":*", "&", "|", "!", "(", "<->"]),
            st.text(st.characters(exclude_categories=()), max_size=8),
        ),
        max_size=12,
    ).map(" ".join)
)
def test_no_text_at_all_is_an_error(articles: None, query: str) -> None:
    scores = [hit.score for hit in search(query).hits]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.usefixtures("articles")
def test_the_number_of_queries_is_constant(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for query in ("fax", "how do i connect claude code to cliqtel by mcp", "teams direct routng"):
        with django_assert_num_queries(2):
            assert search(query, limit=100).hits


@pytest.mark.usefixtures("articles")
def test_a_hit_leads_to_the_section_of_the_best_match(settings: Settings) -> None:
    settings.OAUTH_ISSUER = "https://portal.example"
    hit = search("roll back call flow").hits[0]
    assert hit.section == "Roll back"
    assert hit.url == "https://portal.example/docs/call-flow-change-and-roll-back/#roll-back"
    assert hit.title == "Change a call flow safely and roll it back"


@pytest.mark.usefixtures("articles")
def test_a_match_before_the_first_heading_leads_to_the_top() -> None:
    hit = search("karis law").hits[0]
    assert hit.section == "Introduction"
    assert hit.url.endswith("/docs/emergency-calls-e911-united-states/")


def test_a_snippet_is_plain_text_around_the_match(tmp_path: Path) -> None:
    filler = "Nothing of interest stands here. " * 40
    write_article(
        tmp_path,
        "a",
        markdown=f"{filler}\n\n## Two\n\nBegin. {filler} A `<b>` or a *giraffe* eats leaves.\n",
    )
    load_articles(tmp_path)
    snippet = search("giraffe").hits[0].snippet
    assert "giraffe" in snippet
    assert "*" not in snippet
    assert "<b>giraffe" not in snippet
    assert "\n" not in snippet
    assert snippet.startswith("… ")
    assert not snippet.endswith("…")
    assert len(snippet) < 270


@pytest.mark.usefixtures("articles")
def test_scores_fall_and_the_limit_holds() -> None:
    hits = search("port a number", limit=3).hits
    assert len(hits) == 3
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


@pytest.mark.usefixtures("articles")
def test_product_keeps_only_its_articles() -> None:
    assert "ai-access-tokens-and-scopes" not in found("expired 401", product="trunks")
    slugs = found("401", product="trunks")
    assert slugs
    products = Article.objects.filter(slug__in=slugs).values_list("product", flat=True)
    assert set(products) == {"trunks"}


@pytest.mark.usefixtures("articles")
def test_country_leaves_out_other_countries_and_keeps_what_holds_everywhere() -> None:
    slugs = found("port numbers", country="NL")
    assert slugs[0] == "port-numbers-netherlands"
    assert "port-numbers-into-cliqtel" in slugs
    assert "port-numbers-germany" not in slugs
    assert "port-numbers-united-kingdom" not in slugs


@pytest.mark.usefixtures("articles")
def test_an_excluded_word_leaves_its_articles_out() -> None:
    assert "port-numbers-germany" in found("port numbers")
    slugs = found("port numbers -germany -Netherlands")
    assert slugs
    assert "port-numbers-germany" not in slugs
    assert "port-numbers-netherlands" not in slugs


@pytest.mark.usefixtures("articles")
def test_a_phrase_lifts_the_article_that_has_it() -> None:
    plain = {hit.document_id: hit.score for hit in search("customer number klantnummer").hits}
    phrase = {hit.document_id: hit.score for hit in search('"number portability" dutch').hits}
    assert max(plain, key=lambda slug: plain[slug]) == "port-numbers-netherlands"
    assert max(phrase, key=lambda slug: phrase[slug]) == "port-numbers-netherlands"


@pytest.mark.usefixtures("articles")
def test_a_misspelt_query_says_what_was_searched_for() -> None:
    result = search("teams direct routng")
    assert result.did_you_mean == "teams direct routing"
    assert result.hits[0].document_id == "trunk-teams-direct-routing"


@pytest.mark.usefixtures("articles")
def test_a_well_written_query_is_not_corrected() -> None:
    assert search("teams direct routing").did_you_mean == ""


@pytest.mark.usefixtures("articles")
def test_a_number_is_never_corrected_into_another() -> None:
    result = search("404")
    assert "403" not in result.did_you_mean
    assert "sip-registration-errors" not in [hit.document_id for hit in result.hits]


def test_no_hit_comes_with_a_guess_where_a_word_looks_alike(tmp_path: Path) -> None:
    write_article(tmp_path, "a", markdown="About portability.\n")
    load_articles(tmp_path)
    result = search("liability")
    assert result.hits == ()
    assert result.did_you_mean == "portability"


@pytest.mark.usefixtures("articles")
def test_nonsense_finds_nothing() -> None:
    result = search("xqzvkw jjjj")
    assert result.hits == ()


def test_an_empty_database_finds_nothing(db: None) -> None:
    Article.objects.all().delete()
    assert search("teams").hits == ()


def test_a_rare_word_counts_for_more_than_a_common_one(tmp_path: Path) -> None:
    for number in range(8):
        write_article(tmp_path, f"common-{number}", markdown="The gateway is common.\n")
    write_article(tmp_path, "rare", markdown="The giraffe is rare.\n")
    load_articles(tmp_path)
    assert found("gateway giraffe")[0] == "rare"


def test_the_title_counts_for_more_than_keywords_headings_and_text(tmp_path: Path) -> None:
    write_article(tmp_path, "in-text", markdown="A giraffe.\n")
    write_article(tmp_path, "in-heading", markdown="Intro.\n\n## Giraffe\n\nText.\n")
    write_article(tmp_path, "in-keywords", keywords="giraffe")
    write_article(tmp_path, "in-title", title="Giraffe")
    load_articles(tmp_path)
    slugs = [hit.document_id for hit in search("giraffe").hits]
    assert slugs[:3] == ["in-title", "in-keywords", "in-heading"]


def test_a_document_is_found_by_its_id(tmp_path: Path) -> None:
    write_article(tmp_path, "some-article", title="Some article")
    load_articles(tmp_path)
    assert find_document("some-article").title == "Some article"


@pytest.mark.parametrize("unknown", ["nothing", "", "a\x00b", "\ud800", "../a", "A", "a" * 300])
def test_an_unknown_document_is_not_found_and_says_where_to_look(unknown: str) -> None:
    with pytest.raises(DocumentNotFound) as caught:
        find_document(unknown)
    assert caught.value.code == "not_found"
    assert "search_docs" in caught.value.message


def test_a_whole_section_needs_no_ellipsis_and_an_endless_word_is_cut(tmp_path: Path) -> None:
    write_article(tmp_path, "short", markdown="A giraffe eats leaves.\n")
    write_article(tmp_path, "endless", markdown=f"A zebra {'a/b' * 400} eats.\n")
    load_articles(tmp_path)
    assert search("giraffe").hits[0].snippet == "A giraffe eats leaves."
    assert len(search("zebra").hits[0].snippet) < 270
