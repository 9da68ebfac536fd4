"""From the form by the review to the one sight of a new token."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.errors import InvalidArguments, NotFound
from mcp_access import services
from mcp_access.connections import ConnectionLimitReached, count_connections
from mcp_access.forms import TokenForm
from mcp_access.limits import limits_of
from mcp_access.models import AccessToken
from mcp_access.oauth import connected_apps
from mcp_access.token_preview import check_token
from mcp_access.views import scopes
from mcp_access.views.app_rows import app_rows
from mcp_access.views.rows import own_connections, rows
from mcp_access.views.tokens import reveal

# form_id → the id of the token that was made with it: a reload is led there, not refused.
_MADE_SESSION_KEY = "tokens_made"
_MADE_KEPT = 10


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_use_ai_access)
def token_new(request: PortalRequest) -> HttpResponse:
    """The form; posted, the review of what would be made, or the form again to change it."""
    if request.method == "POST":
        if "change" in request.POST:
            return _form_page(request, TokenForm(request.POST, actor=request.membership))
        return _review(request)
    limit = limits_of(request.tenant).connections
    if limit is not None and count_connections(request.tenant) >= limit:
        return _limit_page(request, None)
    template = scopes.find_template(request.membership, request.GET.get("template", ""))
    initial = {"name": template.title, "scopes": list(template.scopes)} if template else {}
    return _form_page(request, TokenForm(actor=request.membership, initial=initial))


@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_use_ai_access)
def token_create(request: PortalRequest) -> HttpResponse:
    """Make the token that was reviewed and show its text, in this answer and never again."""
    if request.method != "POST":
        return redirect("mcp_access:token-new")
    made: dict[str, str] = request.session.get(_MADE_SESSION_KEY, {})
    if (known := made.get(request.POST.get("form_id", ""))) is not None:
        messages.info(request, "This token exists and its text was shown. Lost it? Rotate it.")
        return redirect("mcp_access:token-detail", known)
    form = TokenForm(request.POST, actor=request.membership)
    if not form.is_valid():
        return _form_page(request, form)
    try:
        issued = form.token_request().issue(request.membership)
    except ConnectionLimitReached:
        return _limit_page(request, form)
    except InvalidArguments as error:
        form.add_problems(error)
        return _form_page(request, form)
    made = dict(list(made.items())[1 - _MADE_KEPT :])
    made[str(form.cleaned_data["form_id"])] = str(issued.token.pk)
    request.session[_MADE_SESSION_KEY] = made
    return reveal(request, issued)


@require_POST
@portal_view(may_use_ai_access)
def token_disconnect(request: PortalRequest, token_id: uuid.UUID) -> HttpResponse:
    """Revoke a token to make room, and go on with the form where it was."""
    try:
        ended = services.revoke_token(request.membership, token_id)
    except NotFound as error:
        raise Http404 from error
    messages.success(request, f"Revoked “{ended.name}”. It is refused from now on.")
    return _go_on(request)


@require_POST
@portal_view(may_use_ai_access)
def app_disconnect(request: PortalRequest, consent_id: uuid.UUID) -> HttpResponse:
    """End an app's access to make room, and go on with the form where it was."""
    try:
        app = connected_apps.get_connected_app(request.membership, consent_id)
        connected_apps.disconnect(request.membership, consent_id)
    except NotFound as error:
        raise Http404 from error
    messages.success(request, f"Revoked “{app.name or 'the app'}”. It is refused from now on.")
    return _go_on(request)


def _go_on(request: PortalRequest) -> HttpResponse:
    """To the review of what was typed, else to the form."""
    if "form_id" in request.POST:
        return _review(request)
    template = request.POST.get("template", "")
    known = scopes.find_template(request.membership, template)
    return redirect(reverse("mcp_access:token-new") + (f"?template={known.key}" if known else ""))


def _review(request: PortalRequest) -> HttpResponse:
    form = TokenForm(request.POST, actor=request.membership)
    form.is_valid()
    asked = form.token_request()
    try:
        check_token(request.membership, asked)
    except ConnectionLimitReached:
        if form.is_valid():
            return _limit_page(request, form)
    except InvalidArguments as error:
        form.add_problems(error)
    if form.errors:
        return _form_page(request, form)
    lines = scopes.lines(request.membership, asked.scopes)
    context = {"form": form, "asked": asked, "lines": lines, "limits": limits_of(request.tenant)}
    return render(request, "mcp_access/token_review.html", context)


def _form_page(request: PortalRequest, form: TokenForm) -> HttpResponse:
    actor = request.membership
    if form.is_bound and form.is_of_another_account:
        messages.warning(
            request,
            f"You have switched to {request.tenant.name}. The token would be made there: look at "
            "the scopes again.",
        )
        form = TokenForm(actor=actor, initial=form.carried_over())
    context = {
        "form": form,
        "groups": scopes.groups(actor, form.chosen_scopes),
        "templates": scopes.templates(actor),
        "limits": limits_of(request.tenant),
    }
    return render(request, "mcp_access/token_new.html", context)


def _limit_page(request: PortalRequest, form: TokenForm | None) -> HttpResponse:
    """Every connection is taken: offer to end one. What was typed comes along in `form`."""
    mine: list[AccessToken] = own_connections(request.membership)
    live = connected_apps.visible_consents(request.membership).filter(is_live=True)
    apps = connected_apps.connected_apps(list(live))
    limit = limits_of(request.tenant).connections or 0
    context = {
        "form": form,
        "limit": limit,
        "rows": rows(request.membership, mine),
        "apps": app_rows(request.membership, apps),
        "others": count_connections(request.tenant) - len(mine) - len(apps),
        "template": request.GET.get("template", ""),
    }
    return render(request, "mcp_access/token_limit.html", context)
