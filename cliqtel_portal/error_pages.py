"""Django's handlers: errors that say what to do next, never an exception's words.

Pages for people; below /api/ the JSON that the REST API answers its own refusals with, for what
never reached it (no such route, a missing CSRF secret) or broke in it.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from cliqtel_portal.api_errors import body_of


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
    """No context processors here: what failed may be what they need."""
    return _answer(request, "500.html", 500, is_bare=True)


def _answer(
    request: HttpRequest, template: str, status: int, *, is_bare: bool = False
) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(body_of(status), status=status)
    return render(None if is_bare else request, template, status=status)
