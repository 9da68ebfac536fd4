"""get_document: one article, whole."""

from __future__ import annotations

from pydantic import Field

from cliqtel_portal.docs import services
from mcp_access.tools.annotations import READ
from mcp_access.tools.fields import timestamp
from mcp_access.tools.tool import Answer, Arguments, Context, Result, tool


class GetDocumentArguments(Arguments):
    document_id: str = Field(min_length=1, max_length=200, description="From search_docs.")


class GetDocumentResult(Result):
    title: str | None = None
    markdown: str | None = Field(default=None, description="The whole article.")
    url: str | None = Field(default=None, description="Link for a person.")
    updated_at: str | None = None


@tool(title="Read an article", scope="mcp.docs.read", hints=READ, failures=("not_found",))
def get_document(context: Context, arguments: GetDocumentArguments) -> Answer:
    """Read one whole article of Cliqtel's documentation as Markdown.

    Answer from the article rather than from memory, and give the person its url.
    """
    article = services.find_document(arguments.document_id)
    return Answer(
        result=GetDocumentResult(
            title=article.title,
            markdown=article.markdown,
            url=article.url,
            updated_at=timestamp(article.updated_at),
        ),
        text=f"“{article.title}”, last reviewed {article.reviewed}.",
        facts={"document_id": article.slug},
    )
