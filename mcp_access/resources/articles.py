"""`cliqtel://docs/<document_id>`: the articles of the docs, as search_docs names them."""

from __future__ import annotations

from cliqtel_portal.docs.services import find_document
from cliqtel_portal.errors import NotFound
from mcp_access.authorization import check_access
from mcp_access.catalog.get_document import get_document
from mcp_access.principal import Principal

_PREFIX = "cliqtel://docs/"
MIME_TYPE = "text/markdown"


def uri_of(document_id: str) -> str:
    return f"{_PREFIX}{document_id}"


def read_article(principal: Principal, uri: str) -> str:
    """The article's Markdown, for whoever may call get_document.

    Raises:
        TierRequired, NotPermitted, InsufficientScope: get_document is closed to the principal.
        NotFound: it is not the URI of an article.
    """
    check_access(principal, get_document)
    if not uri.startswith(_PREFIX):
        raise NotFound("There is no such resource. Take resource_uri from the hits of search_docs.")
    return find_document(uri.removeprefix(_PREFIX)).markdown
