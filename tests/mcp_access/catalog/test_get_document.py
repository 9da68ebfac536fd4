from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.docs.loading import ARTICLES
from cliqtel_portal.docs.models import Article
from cliqtel_portal.errors import InvalidArguments, NotFound
from mcp_access.catalog.get_document import get_document
from mcp_access.catalog.search_docs import search_docs
from mcp_access.tools.tool import Context
from tests.factories.mcp_access import principal_of

pytestmark = pytest.mark.django_db


def context_of(membership: Membership) -> Context:
    return Context(principal=principal_of(membership), call_id=str(uuid.uuid4()))


def call(membership: Membership, document_id: str) -> dict[str, Any]:
    answer = get_document.handler(
        context_of(membership), get_document.parse({"document_id": document_id})
    )
    return answer.result.model_dump(mode="json", exclude_none=True)


@pytest.mark.usefixtures("articles")
def test_it_gives_the_whole_article(bob: Membership, settings: Settings) -> None:
    settings.OAUTH_ISSUER = "https://portal.example"
    article = Article.objects.get(slug="trunk-3cx")
    assert call(bob, "trunk-3cx") == {
        "status": "ok",
        "title": "Connect 3CX to a Cliqtel trunk",
        "markdown": article.markdown,
        "url": "https://portal.example/docs/trunk-3cx/",
        "updated_at": article.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    file = (ARTICLES / "trunk-3cx.md").read_text(encoding="utf-8")
    assert article.markdown.strip() in file


@pytest.mark.usefixtures("articles")
def test_a_hit_of_search_docs_can_be_read(bob: Membership) -> None:
    found = search_docs.handler(context_of(bob), search_docs.parse({"query": "one way audio"}))
    hit = found.result.model_dump()["hits"][0]
    assert call(bob, hit["document_id"])["title"] == hit["title"] == "Fix one-way audio"


@pytest.mark.parametrize("unknown", ["nothing", "TRUNK-3CX", "trunk-3cx\x00", "%"])
def test_an_unknown_document_is_not_found_with_the_next_step(bob: Membership, unknown: str) -> None:
    with pytest.raises(NotFound) as caught:
        call(bob, unknown)
    assert caught.value.code == "not_found"
    assert "search_docs" in caught.value.message


def test_the_document_id_is_required(bob: Membership) -> None:
    with pytest.raises(InvalidArguments) as caught:
        get_document.parse({})
    assert [problem.field for problem in caught.value.problems] == ["document_id"]


@pytest.mark.usefixtures("articles")
def test_every_article_stays_within_the_budget(bob: Membership, settings: Settings) -> None:
    for slug in Article.objects.values_list("slug", flat=True):
        assert len(json.dumps(call(bob, slug))) <= settings.MCP_MAX_RESULT_CHARS


@pytest.mark.usefixtures("articles")
def test_one_query_reads_it(
    bob: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    context = context_of(bob)
    with django_assert_num_queries(1):
        get_document.handler(context, get_document.parse({"document_id": "trunk-3cx"}))
