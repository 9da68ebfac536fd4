"""`cliqtel://docs/<document_id>`: the articles of the docs, as search_docs names them.

Reading one is a call of get_document by another name: the same scope, limits and audit row.
"""

from __future__ import annotations

from typing import Any

from mcp_access.catalog.get_document import GetDocumentResult, get_document
from mcp_access.tools.tool import Answer

TOOL = get_document.name
MIME_TYPE = "text/markdown"
_PREFIX = "cliqtel://docs/"


def uri_of(document_id: str) -> str:
    return f"{_PREFIX}{document_id}"


def arguments_of(uri: Any) -> dict[str, Any]:
    """Those of the call. What is not the address of an article stays as it is: none has its id."""
    return {"document_id": uri.removeprefix(_PREFIX) if isinstance(uri, str) else uri}


def text_of(answer: Answer) -> str:
    """The article's Markdown."""
    assert isinstance(answer.result, GetDocumentResult)
    return answer.result.markdown or ""
