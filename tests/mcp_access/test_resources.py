"""`resources/read`: what search_docs names can be read, as a call of get_document."""

from __future__ import annotations

import pytest

from audit.models import ToolCall
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.docs.loading import load_articles
from cliqtel_portal.docs.models import Article
from cliqtel_portal.errors import PortalError
from mcp_access.pipeline import execute_tool_call_sync
from mcp_access.resources import articles
from tests.factories.mcp_access import make_token, principal_of


def test_a_hit_of_search_docs_can_be_read_as_a_resource(bob: Membership) -> None:
    load_articles()
    principal = principal_of(bob)
    found = execute_tool_call_sync(principal, "search_docs", {"query": "one way audio"})
    hit = found.result.model_dump()["hits"][0]

    answer = execute_tool_call_sync(
        principal, articles.TOOL, articles.arguments_of(hit["resource_uri"])
    )

    assert articles.text_of(answer) == Article.objects.get(slug=hit["document_id"]).markdown


@pytest.mark.django_db
@pytest.mark.parametrize(
    "uri", ["", "cliqtel://docs/", "cliqtel://docs/nothing", "file:///x", "x" * 300, None, 7]
)
def test_what_is_no_article_is_not_found(bob: Membership, uri: object) -> None:
    with pytest.raises(PortalError) as caught:
        execute_tool_call_sync(principal_of(bob), articles.TOOL, articles.arguments_of(uri))
    assert caught.value.code in ("not_found", "invalid_arguments")


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_a_token_without_the_scope_of_the_docs_reads_none(alice, post):
    _, plaintext = make_token(alice, scopes=("mcp.inventory.read",))

    refused = post(plaintext, "resources/read", {"uri": "cliqtel://docs/trunk-3cx"})

    assert refused.status_code == 403
    assert 'scope="mcp.docs.read mcp.inventory.read"' in refused.headers["www-authenticate"]
    row = ToolCall.objects.get()
    assert (row.tool, row.error_code) == ("get_document", "insufficient_scope")


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_reading_takes_its_place_in_the_minute(alice, post):
    _, plaintext = make_token(alice, burst_per_minute=2)
    read = {"uri": "cliqtel://docs/nothing"}

    answers = [post(plaintext, "resources/read", read) for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[0].json()["error"]["data"]["code"] == "not_found"
    assert ToolCall.objects.filter(error_code="not_found", counted=True).count() == 2
