"""Django's handlers: errors that say what to do next, never an exception's words.

Pages for people; below /api/ the JSON that the REST API answers its own refusals with, for what
never reached it (no such route, a missing CSRF secret) or broke in it; OAuth's JSON for OAuth.
"""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from cliqtel_portal.api_errors import body_of
from cliqtel_portal.pool import is_database_away

_RETRY_SECONDS = 10
# Programs read these answers (RFC 6749 section 5, RFC 7591 section 3.2, RFC 7009 section 2.2).
_OAUTH_PATHS = frozenset({"/oauth/token", "/oauth/register", "/oauth/revoke"})
_OAUTH_ERRORS = {
    500: {"error": "server_error", "error_description": "Something broke on our side."},
    503: {
        "error": "temporarily_unavailable",
        "error_description": f"Try again in {_RETRY_SECONDS} s.",
    },
}
_NOT_STORED = {"Cache-Control": "no-store"}


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's secret was missing or old: a second tab signed in, or cookies are off."""
    return _answer(request, "403_csrf.html", 403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, "400.html", 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, "403.html", 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, "404.html", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """503 and when to come again where it was the database that is away; 500 for all else.

    No context processors here: what failed may be what they need.
    """
    if not is_database_away(sys.exc_info()[1]):
        return _answer(request, "500.html", 500, is_bare=True)
    response = _answer(request, "503_database.html", 503, is_bare=True)
    response["Retry-After"] = str(_RETRY_SECONDS)
    return response


def _answer(
    request: HttpRequest, template: str, status: int, *, is_bare: bool = False
) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(body_of(status), status=status)
    if status >= 500 and request.path in _OAUTH_PATHS:
        return JsonResponse(_OAUTH_ERRORS[status], status=status, headers=_NOT_STORED)
    context = {"retry_after": _RETRY_SECONDS} if status == 503 else None
    return render(None if is_bare else request, template, context, status=status)
