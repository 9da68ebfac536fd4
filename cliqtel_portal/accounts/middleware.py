"""What every page of a signed-in person has in common."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from cliqtel_portal.accounts.http import client_address
from cliqtel_portal.accounts.services.sessions import note_use


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


class SessionUseMiddleware(MiddlewareMixin):
    """A person sees on Settings in which browsers they are signed in, and when each was used.

    Stands inside SessionMiddleware. A session that the page did not look at is not loaded for this.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        session = request.session
        if response.status_code >= 500:
            return response  # what broke may be the session, or the database that holds it
        if session.accessed and session.session_key and (user_id := session.get(SESSION_KEY)):
            note_use(
                uuid.UUID(user_id),
                session.session_key,
                address=client_address(request),
                user_agent=request.META.get("HTTP_USER_AGENT", ""),
            )
        return response
