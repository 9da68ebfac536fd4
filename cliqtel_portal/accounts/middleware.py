"""What every page of a signed-in person has in common."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin


class NoStoreMiddleware(MiddlewareMixin):
    """No cache keeps a signed-in person's page: Back after signing out must show nothing.

    Stands outside SessionMiddleware, so that it also sees the session cookie being set, and asks
    for the cookie, not the user: that would cost a query on pages that need none. A view that has
    set Cache-Control knows better.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        cookie = settings.SESSION_COOKIE_NAME
        if cookie in request.COOKIES or cookie in response.cookies:
            response.headers.setdefault("Cache-Control", "no-store")
        return response
