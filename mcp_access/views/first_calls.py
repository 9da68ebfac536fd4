"""“Waiting for first call”: a row that turns green by itself, on pages of a new connection."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.errors import NotFound
from mcp_access import services
from mcp_access.models import AccessToken
from mcp_access.oauth import connected_apps
from mcp_access.oauth.connected_apps import ConnectedApp

# The overview waits with the person who has just connected something, and for no longer.
_RECENT = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class FirstCall:
    """`url` answers with this row anew, `page` is where the connection's facts are.

    `state`: waiting (never used), connected (used, no tool yet), called, or ended before it was
    used. `used` is the token whose last use tells the rest.
    """

    name: str
    url: str
    page: str
    state: str
    used: AccessToken | None

    @property
    def is_over(self) -> bool:
        return self.state in {"called", "ended"}


def of_token(token: AccessToken) -> FirstCall:
    return FirstCall(
        name=token.name,
        url=reverse("mcp_access:token-first-call", args=[token.pk]),
        page=reverse("mcp_access:token-detail", args=[token.pk]),
        state=_state(token if token.last_used_at else None, is_live=_is_live(token)),
        used=token if token.last_used_at else None,
    )


def of_app(app: ConnectedApp) -> FirstCall:
    return FirstCall(
        name=app.name or "An app without a name",
        url=reverse("mcp_access:app-first-call", args=[app.consent.pk]),
        page=reverse("mcp_access:app-detail", args=[app.consent.pk]),
        state=_state(app.last_used, is_live=app.is_live),
        used=app.last_used,
    )


def awaited(
    user_id: object, tokens: Sequence[AccessToken], apps: Sequence[ConnectedApp]
) -> list[FirstCall]:
    """The person's own connections that are new and were never used."""
    since = timezone.now() - _RECENT
    found = [
        of_token(token) for token in tokens if token.user_id == user_id and _is_new(token, since)
    ]
    found += [
        of_app(app)
        for app in apps
        if app.consent.user_id == user_id and app.consent.last_at >= since and not app.last_used
    ]
    return [row for row in found if row.state == "waiting"]


@require_safe
@portal_view(may_use_ai_access)
def token_first_call(request: PortalRequest, token_id: uuid.UUID) -> HttpResponse:
    try:
        token = services.get_visible_token(request.membership, token_id)
    except NotFound as error:
        raise Http404 from error
    return _answer(request, of_token(token))


@require_safe
@portal_view(may_use_ai_access)
def app_first_call(request: PortalRequest, consent_id: uuid.UUID) -> HttpResponse:
    try:
        app = connected_apps.get_connected_app(request.membership, consent_id)
    except NotFound as error:
        raise Http404 from error
    return _answer(request, of_app(app))


def _answer(request: PortalRequest, wait: FirstCall) -> HttpResponse:
    """The row alone for a page that asks again; a person is led to the whole page."""
    if "HX-Request" not in request.headers:
        return redirect(wait.page)
    return render(request, "mcp_access/_first_call_row.html", {"wait": wait})


def _state(used: AccessToken | None, *, is_live: bool) -> str:
    if used is None:
        return "waiting" if is_live else "ended"
    return "called" if used.last_used_tool or not is_live else "connected"


def _is_live(token: AccessToken) -> bool:
    return token.revoked_at is None and token.expires > timezone.now()


def _is_new(token: AccessToken, since: datetime) -> bool:
    return token.last_used_at is None and token.created >= since
