"""Connected apps: the list, one app, and ending access."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_safe

from audit.services import last_calls_of_tokens
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.errors import NotFound
from mcp_access import restricting
from mcp_access.oauth import connected_apps
from mcp_access.oauth.connected_apps import ConnectedApp
from mcp_access.views import first_calls
from mcp_access.views.app_rows import app_rows, asked_lines, session_rows
from mcp_access.views.notices import unread

_PER_PAGE = 50


@require_safe
@portal_view(may_use_ai_access)
def app_list(request: PortalRequest) -> HttpResponse:
    found = connected_apps.visible_consents(request.membership)
    unused = connected_apps.unused(found)
    shows_unused = request.GET.get("show") == "unused"
    page = Paginator(unused if shows_unused else found, _PER_PAGE).get_page(request.GET.get("page"))
    apps = connected_apps.connected_apps(list(page.object_list))
    context = {
        "page": page,
        "rows": app_rows(request.membership, apps),
        "notices": unread(request, about=reverse("mcp_access:app-list")),
        "unused_count": page.paginator.count if shows_unused else unused.count(),
        "shows_unused": shows_unused,
        "unused_days": settings.APP_UNUSED_DAYS,
        # Live ones come first, so the first page knows whether there is one.
        "may_revoke_all": page.number > 1 or any(app.is_live for app in apps),
    }
    return render(request, "mcp_access/apps.html", context)


@require_safe
@portal_view(may_use_ai_access)
def app_detail(request: PortalRequest, consent_id: uuid.UUID) -> HttpResponse:
    app = _app_or_404(request, consent_id)
    row = app_rows(request.membership, [app])[0]
    context = {
        "app": app,
        "row": row,
        "wait": first_calls.of_app(app),
        # An app may do what its person may now, not the admin who looks at it.
        "lines": asked_lines(row.owner or request.membership, app.consent),
        "restricted": restricting.restricted_token_of(app.consent),
        "sessions": session_rows(app.consent),
        "calls": last_calls_of_tokens(connected_apps.recent_token_ids(app.consent)),
        "title": _question(app),
        "text": _consequence(app),
    }
    return render(request, "mcp_access/apps_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_use_ai_access)
def app_revoke(request: PortalRequest, consent_id: uuid.UUID) -> HttpResponse:
    """The question, and on POST the deed, for one person or (admins) for everybody."""
    app = _app_or_404(request, consent_id)
    if request.method != "POST" and app.is_live:
        people = connected_apps.people_of(request.membership, app.consent)
        context = {"app": app, "title": _question(app), "text": _consequence(app), "people": people}
        return render(request, "mcp_access/apps_revoke.html", context)
    if request.method != "POST":
        _tell(request, app, ended=0)
    elif request.POST.get("whose") == "everybody":
        ended = connected_apps.disconnect_from_everybody(request.membership, consent_id)
        _tell(request, app, ended=ended)
    else:
        _tell(request, app, ended=int(connected_apps.disconnect(request.membership, consent_id)))
    return redirect("mcp_access:app-detail", consent_id)


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_use_ai_access)
def app_revoke_all(request: PortalRequest) -> HttpResponse:
    """The question how many, and on POST the deed."""
    if request.method != "POST":
        live = connected_apps.visible_consents(request.membership).filter(is_live=True)
        context = {"own": live.filter(user=request.user).count(), "every": live.count()}
        return render(request, "mcp_access/apps_revoke_all.html", context)
    everybody = request.POST.get("whose") == "everybody"
    ended = connected_apps.disconnect_all(request.membership, everybody=everybody)
    if ended:
        count = f"{ended} app{'' if ended == 1 else 's'}"
        messages.success(request, f"Revoked {count}. All their sessions ended.")
    else:
        messages.info(request, "No app had access any more.")
    return redirect("mcp_access:app-list")


def _app_or_404(request: PortalRequest, consent_id: uuid.UUID) -> ConnectedApp:
    try:
        return connected_apps.get_connected_app(request.membership, consent_id)
    except NotFound as error:
        raise Http404 from error


def _shown(app: ConnectedApp) -> str:
    return app.name or "An app without a name"


def _question(app: ConnectedApp) -> SafeString:
    return format_html("Revoke “<bdi>{}</bdi>”?", _shown(app))


def _consequence(app: ConnectedApp) -> str:
    count = app.live_sessions
    if not count:
        return "It is just signing in, and will get no access."
    stop = f"Its {count} sessions stop" if count > 1 else "Its session stops"
    return f"{stop} now, and its next call is refused. To use it again, connect it again."


def _tell(request: PortalRequest, app: ConnectedApp, *, ended: int) -> None:
    if ended > 1:
        messages.success(request, f"Revoked “{_shown(app)}” for {ended} people.")
    elif ended:
        messages.success(request, f"Revoked “{_shown(app)}”. It is refused from now on.")
    else:
        messages.info(request, f"“{_shown(app)}” had no access any more: it had ended already.")
