from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.docs.loading import load_articles
from cliqtel_portal.docs.models import Article
from cliqtel_portal.errors import InvalidArguments
from mcp_access.catalog.search_docs import search_docs
from mcp_access.tools.tool import Answer, Context
from tests.factories.docs import write_article
from tests.factories.mcp_access import principal_of

pytestmark = pytest.mark.django_db


def answer_of(membership: Membership, **arguments: Any) -> Answer:
    context = Context(principal=principal_of(membership), call_id=str(uuid.uuid4()))
    return search_docs.handler(context, search_docs.parse(arguments))


def call(membership: Membership, **arguments: Any) -> dict[str, Any]:
    result = answer_of(membership, **arguments).result
    return result.model_dump(mode="json", exclude_none=True)


@pytest.mark.usefixtures("articles")
def test_hits_have_what_the_tools_page_says(bob: Membership, settings: Settings) -> None:
    settings.OAUTH_ISSUER = "https://portal.example"
    found = call(bob, query="roll back call flow")
    assert found["status"] == "ok"
    hit = found["hits"][0]
    assert set(hit) == {
        "document_id",
        "title",
        "section",
        "snippet",
        "score",
        "url",
        "resource_uri",
        "updated_at",
    }
    assert hit["document_id"] == "call-flow-change-and-roll-back"
    assert hit["section"] == "Roll back"
    assert hit["url"] == "https://portal.example/docs/call-flow-change-and-roll-back/#roll-back"
    assert hit["resource_uri"] == "cliqtel://docs/call-flow-change-and-roll-back"
    updated_at = Article.objects.get(slug=hit["document_id"]).updated_at
    assert hit["updated_at"] == updated_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert 0 < hit["score"] <= 1


@pytest.mark.usefixtures("articles")
def test_the_text_names_the_best_article_and_the_next_step(bob: Membership) -> None:
    answer = answer_of(bob, query="teams direct routing", limit=1)
    assert answer.text == (
        "Found 1 article; the best is “Connect Microsoft Teams by Direct Routing”. "
        "Read it with get_document."
    )
    assert answer.facts == {"count": 1}


@pytest.mark.usefixtures("articles")
def test_a_misspelt_query_is_corrected_and_the_model_is_told(bob: Membership) -> None:
    found = call(bob, query="teams direct routng")
    assert found["did_you_mean"] == "teams direct routing"
    assert found["hits"][0]["document_id"] == "trunk-teams-direct-routing"


def test_no_hit_is_an_empty_list_and_says_what_to_try(bob: Membership, tmp_path: Path) -> None:
    write_article(tmp_path, "a", markdown="About portability.\n")
    load_articles(tmp_path)
    assert call(bob, query="xqzvkw") == {"status": "ok", "hits": []}
    assert "Try fewer or other words" in answer_of(bob, query="xqzvkw").text
    assert "Did you mean “portability”?" in answer_of(bob, query="liability").text


@pytest.mark.usefixtures("articles")
def test_product_country_and_limit_bound_the_hits(bob: Membership) -> None:
    hits = call(bob, query="port number", product="numbers", country="nl", limit=2)["hits"]
    assert [hit["document_id"] for hit in hits] == [
        "port-numbers-netherlands",
        "port-numbers-into-cliqtel",
    ]


def test_every_wrong_argument_is_named(bob: Membership) -> None:
    with pytest.raises(InvalidArguments) as caught:
        search_docs.parse({"query": "a" * 401, "product": "toys", "country": "XX", "limit": 0})
    assert {problem.field for problem in caught.value.problems} == {
        "query",
        "product",
        "country",
        "limit",
    }


def test_the_products_are_those_of_the_articles() -> None:
    # A host has read of the tools in tools/list.
    assert set(search_docs.input_schema["properties"]["product"]["enum"]) == set(
        Article.Product.values
    ) - {Article.Product.TOOLS}


@pytest.mark.usefixtures("articles")
def test_another_tenant_reads_the_same_docs(bob: Membership, mallory: Membership) -> None:
    assert call(bob, query="teams") == call(mallory, query="teams")


def test_a_full_page_of_hits_stays_within_the_budget(
    bob: Membership, tmp_path: Path, settings: Settings
) -> None:
    for number in range(100):
        write_article(
            tmp_path,
            f"{'a-long-slug-' * 5}{number}",
            title=f"Giraffe {'words ' * 15}{number}",
            markdown=f"{'Some long filler text. ' * 30} giraffe {'Some more filler. ' * 30}\n",
        )
    load_articles(tmp_path)
    found = call(bob, query="giraffe", limit=100)
    assert len(found["hits"]) == 100
    assert len(json.dumps(found)) <= settings.MCP_MAX_RESULT_CHARS


@pytest.mark.usefixtures("articles")
def test_the_number_of_queries_does_not_grow(
    bob: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    context = Context(principal=principal_of(bob), call_id=str(uuid.uuid4()))
    for limit in (1, 100):
        with django_assert_num_queries(2):
            search_docs.handler(context, search_docs.parse({"query": "sip trunk", "limit": limit}))
