from __future__ import annotations

from cliqtel_portal.errors import NotFound, PortalError


class DocumentNotFound(NotFound):
    """No article has this document_id."""


class ArticleInvalid(PortalError):
    """A file of the articles' folder cannot be loaded; the message names it and what is wrong."""

    code = "article_invalid"
