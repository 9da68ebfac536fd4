"""One line per page request: django-structlog's, without what must not be in a log."""

from __future__ import annotations

import re

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

from cliqtel_portal.network import address_from

# Links that are a secret by themselves: whoever reads the log could follow them.
_SECRET_PATHS = re.compile(r"(?P<kept>/account/(?:password/reset/key|invitation|email)/)[^/]+")


class RequestLogMiddleware(RequestMiddleware):
    """Never the query string: codes, states and addresses travel there."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        path = _SECRET_PATHS.sub(r"\g<kept>…", request.path)
        return f"{request.method} {path}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """The address by our own count of proxies: the library believes any header."""
        address = address_from(
            request.META.get("REMOTE_ADDR") or "", request.META.get("HTTP_X_FORWARDED_FOR", "")
        )
        structlog.contextvars.bind_contextvars(ip=address)

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Who it is, where the page asked. The library asks by itself: a query for each health
        check of a browser, and for a database that is away one more wait, thrice a request.
        """
        user = getattr(request, "_cached_user", None)  # Django's own, of `request.user`
        structlog.contextvars.bind_contextvars(user_id=str(user.pk) if user and user.pk else None)
