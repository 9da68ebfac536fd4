"""`resources/read`: what search_docs names can be read, by whoever may read the docs."""

from __future__ import annotations

import pytest

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.docs.loading import load_articles
from cliqtel_portal.docs.models import Article
from cliqtel_portal.errors import NotFound
from mcp_access.authorization import InsufficientScope
from mcp_access.catalog.search_docs import search_docs
from mcp_access.resources.articles import read_article
from mcp_access.tools.tool import Context
from tests.factories.mcp_access import principal_of

pytestmark = pytest.mark.django_db


def test_a_hit_of_search_docs_can_be_read_as_a_resource(bob: Membership) -> None:
    load_articles()
    principal = principal_of(bob)
    found = search_docs.handler(
        Context(principal=principal, call_id=""), search_docs.parse({"query": "one way audio"})
    )
    hit = found.result.model_dump()["hits"][0]
    text = read_article(principal, hit["resource_uri"])
    assert text == Article.objects.get(slug=hit["document_id"]).markdown


@pytest.mark.parametrize("uri", ["", "cliqtel://docs/", "cliqtel://docs/nothing", "file:///x\x00"])
def test_what_is_no_article_is_not_found(bob: Membership, uri: str) -> None:
    with pytest.raises(NotFound, match="search_docs"):
        read_article(principal_of(bob), uri)


def test_a_token_without_the_scope_of_the_docs_reads_none(bob: Membership) -> None:
    load_articles()
    principal = principal_of(bob, scopes=("mcp.inventory.read",))
    with pytest.raises(InsufficientScope):
        read_article(principal, "cliqtel://docs/trunk-3cx")
