"""search_docs: which article answers a question."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cliqtel_portal.docs import services
from mcp_access.resources.articles import uri_of
from mcp_access.tools.annotations import READ
from mcp_access.tools.fields import Country, Limit, timestamp
from mcp_access.tools.tool import Answer, Arguments, Context, Part, Result, tool

Product = Literal["numbers", "trunks", "callflows", "messaging", "regulatory", "ai-access"]


class SearchDocsArguments(Arguments):
    query: str = Field(
        min_length=1,
        max_length=services.MAX_QUERY_CHARS,
        description='Words, an error code or a question. Knows "a phrase" and -without.',
    )
    product: Product | None = Field(default=None, description="Only about this.")
    country: Country | None = Field(
        default=None, description="Leaves out articles about other countries."
    )
    limit: Limit = 20


class DocsHit(Part):
    document_id: str = Field(description="For get_document.")
    title: str
    section: str = Field(description="Heading in the article under which the best match stands.")
    snippet: str = Field(description="Plain text around the match, not the whole answer.")
    score: float = Field(description="0 to 1.")
    url: str = Field(description="Link for a person, to the section.")
    resource_uri: str
    updated_at: str


class SearchDocsResult(Result):
    hits: list[DocsHit] = Field(default_factory=list, description="Best first.")
    did_you_mean: str | None = Field(
        default=None, description="The query with misspelt words corrected."
    )


@tool(title="Search the docs", scope="mcp.docs.read", hints=READ)
def search_docs(context: Context, arguments: SearchDocsArguments) -> Answer:
    """Search Cliqtel's documentation: PBX and AI host set-up, porting, emergency calling, messaging
    rules, error codes, troubleshooting.

    Use it before answering how something works or why it fails. A hit is only a snippet: read the
    best with get_document.
    """
    found = services.search(
        arguments.query,
        product=arguments.product,
        country=arguments.country,
        limit=arguments.limit,
    )
    hits = [
        DocsHit(
            document_id=hit.document_id,
            title=hit.title,
            section=hit.section,
            snippet=hit.snippet,
            score=hit.score,
            url=hit.url,
            resource_uri=uri_of(hit.document_id),
            updated_at=timestamp(hit.updated_at) or "",
        )
        for hit in found.hits
    ]
    return Answer(
        result=SearchDocsResult(hits=hits, did_you_mean=found.did_you_mean or None),
        text=_text(found),
        facts={"count": len(hits)},
    )


def _text(found: services.SearchResult) -> str:
    if found.hits:
        count = len(found.hits)
        articles = "1 article" if count == 1 else f"{count} articles"
        return f"Found {articles}; the best is “{found.hits[0].title}”. Read it with get_document."
    if found.did_you_mean:
        return f"No article matches. Did you mean “{found.did_you_mean}”?"
    return "No article matches. Try fewer or other words, or leave out product and country."
