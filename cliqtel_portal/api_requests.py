"""How a request of the REST API says whose it is, and how much of it is read.

A session and its CSRF token, nothing else: whatever a bearer token can reach must not decide for a
person.
"""

from __future__ import annotations

import io
from typing import Any

from django.conf import settings
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import ParseError, PermissionDenied
from rest_framework.parsers import JSONParser

from cliqtel_portal.api_errors import NotPermittedHere, TooLarge


class BrowserSession(SessionAuthentication):  # type: ignore[misc]
    def authenticate_header(self, request: Any) -> str:
        """With a scheme the answer to a stranger is 401; browsers ask for no password on this."""
        return "Session"

    def enforce_csrf(self, request: Any) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise NotPermittedHere(
                "csrf_failed", "The page is out of date. Reload it, then try again."
            ) from error


class BoundedJSONParser(JSONParser):  # type: ignore[misc]
    """The framework's own reads whatever is sent, as deep as it goes."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: dict[str, Any] | None = None,
    ) -> Any:
        body = stream.read(settings.API_MAX_BODY_BYTES + 1)
        if len(body) > settings.API_MAX_BODY_BYTES:
            raise TooLarge
        try:
            parsed = super().parse(io.BytesIO(body), media_type, parser_context)
        except RecursionError as error:
            raise ParseError from error
        if not isinstance(parsed, dict):
            raise ParseError
        return parsed
