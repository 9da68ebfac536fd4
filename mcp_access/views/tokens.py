"""The list of tokens, one token, and ending or renewing it."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from audit.services import last_calls_of_tokens
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted
from cliqtel_portal.templatetags.portal import distance
from mcp_access import services
from mcp_access.forms import LimitForm, RotateForm
from mcp_access.limits import limits_of
from mcp_access.models import AccessToken
from mcp_access.services import IssuedToken, TokenNotLive
from mcp_access.views import first_calls, hosts, scopes, token_use
from mcp_access.views.notices import unread
from mcp_access.views.rows import live_first, rows

_PER_PAGE = 50


@require_safe
@portal_view(may_use_ai_access)
def token_list(request: PortalRequest) -> HttpResponse:
    found = live_first(services.visible_tokens(request.membership))
    unused = [token for token in found if token_use.is_unused(token)]
    shows_unused = request.GET.get("show") == "unused"
    page = Paginator(unused if shows_unused else found, _PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "mcp_access/token_list.html",
        {
            "page": page,
            "rows": rows(request.membership, list(page.object_list)),
            "count": len(found),
            "unused_count": len(unused),
            "shows_unused": shows_unused,
            "unused_days": settings.TOKEN_UNUSED_DAYS,
            "notices": unread(request, about=reverse("mcp_access:token-list")),
        },
    )


@require_safe
@portal_view(may_use_ai_access)
def token_detail(request: PortalRequest, token_id: uuid.UUID) -> HttpResponse:
    return _page(request, _token_or_404(request, token_id))


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_use_ai_access)
def token_revoke(request: PortalRequest, token_id: uuid.UUID) -> HttpResponse:
    """The question, and on POST the deed. Who comes second is told who was first."""
    token = _token_or_404(request, token_id)
    if request.method != "POST" and token.revoked_at is None:
        context = {"token": token, "title": _question(token), "text": _consequence(token)}
        return render(request, "mcp_access/token_revoke.html", context)
    if token.revoked_at is None:
        token = services.revoke_token(request.membership, token_id)
        if token.revoked_by_id == request.user.pk:
            messages.success(request, f"Revoked “{token.name}”. It is refused from now on.")
            return redirect("mcp_access:token-detail", token_id)
    messages.info(request, f"“{token.name}” was {_revocation(request, token)}.")
    return redirect("mcp_access:token-detail", token_id)


@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_use_ai_access)
def token_rotate(request: PortalRequest, token_id: uuid.UUID) -> HttpResponse:
    """The successor's text, once. A reload posts again, and is led to the token without it."""
    token = _token_or_404(request, token_id)
    form = RotateForm(request.POST)
    if request.method != "POST":
        return redirect("mcp_access:token-detail", token_id)
    if not form.is_valid():
        return _page(request, token, rotate_form=form)
    try:
        overlap = timedelta(hours=form.cleaned_data["overlap"])
        issued = services.rotate_token(request.membership, token_id, overlap=overlap)
    except (TokenNotLive, NotPermitted, InvalidArguments) as error:
        messages.error(request, error.message)
        return redirect("mcp_access:token-detail", token_id)
    token.refresh_from_db(fields=["expires"])
    return reveal(request, issued, predecessor=token)


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_use_ai_access)
def token_set_limit(request: PortalRequest, token_id: uuid.UUID) -> HttpResponse:
    """Its own burst limit is what was posted; wrong input comes back beside the field."""
    token = _token_or_404(request, token_id)
    if request.method != "POST":
        return redirect("mcp_access:token-detail", token_id)
    form = LimitForm(request.POST, most=limits_of(request.tenant).burst_per_minute)
    if not form.is_valid():
        return _page(request, token, limit_form=form)
    burst = form.cleaned_data["burst_per_minute"]
    try:
        services.limit_token(request.membership, token_id, burst_per_minute=burst)
    except InvalidArguments as error:
        for problem in error.problems:
            form.add_error(problem.field, problem.message)
        return _page(request, token, limit_form=form)
    except TokenNotLive as error:
        messages.error(request, error.message)
        return redirect("mcp_access:token-detail", token_id)
    limit = f"{burst} calls a minute" if burst else "the account's limit"
    messages.success(request, f"“{token.name}” has {limit} from its next call on.")
    return redirect("mcp_access:token-detail", token_id)


def reveal(
    request: PortalRequest, issued: IssuedToken, *, predecessor: AccessToken | None = None
) -> HttpResponse:
    """The one page with the plaintext: the answer to the POST that made it, stored nowhere."""
    ways = hosts.hosts_of_tokens(issued.plaintext)
    response = render(
        request,
        "mcp_access/token_created.html",
        {
            "token": issued.token,
            "plaintext": issued.plaintext,
            "predecessor": predecessor,
            "endpoint": settings.MCP_RESOURCE_URL,
            "hosts": ways,
            "open": hosts.chosen(request, ways, "curl"),
            "wait": first_calls.of_token(issued.token),
        },
    )
    response["Cache-Control"] = "no-store"
    return response


def _page(
    request: PortalRequest,
    token: AccessToken,
    *,
    rotate_form: RotateForm | None = None,
    limit_form: LimitForm | None = None,
) -> HttpResponse:
    limits = limits_of(request.tenant)
    row = rows(request.membership, [token])[0]
    use = token_use.use_of(token)
    ways = hosts.hosts_of_tokens(hosts.PLACEHOLDER)
    context = {
        "token": token,
        "row": row,
        "use": use,
        "hosts": ways,
        "open": hosts.chosen(request, ways, "curl"),
        "wait": first_calls.of_token(token),
        # A token shrinks with its owner's role, not with that of the admin who looks at it.
        "lines": scopes.lines(
            row.owner or request.membership, token.scope.split(), used=use.calls_of
        ),
        "calls": last_calls_of_tokens([token.pk]),
        "rotate_form": rotate_form or RotateForm(),
        "limit_form": limit_form
        or LimitForm(
            most=limits.burst_per_minute, initial={"burst_per_minute": token.burst_per_minute}
        ),
        "limits": limits,
        "title": _question(token),
        "text": _consequence(token),
    }
    return render(request, "mcp_access/token_detail.html", context)


def _token_or_404(request: PortalRequest, token_id: uuid.UUID) -> AccessToken:
    try:
        return services.get_visible_token(request.membership, token_id)
    except NotFound as error:
        raise Http404 from error


def _question(token: AccessToken) -> SafeString:
    return format_html("Revoke “<bdi>{}</bdi>”?", token.name)


def _consequence(token: AccessToken) -> str:
    last = "It has not been used yet."
    if token.last_used_at is not None:
        last = f"It was last used {distance(timezone.now() - token.last_used_at)} ago."
    return f"{last} The host that has it is refused from its next call on. This can't be undone."


def _revocation(request: PortalRequest, token: AccessToken) -> str:
    """ "revoked already, 2 min ago by Anna"."""
    by = token.revoked_by
    who = "the system" if by is None else "you" if by == request.user else by.display_name
    when = distance(timezone.now() - token.revoked_at) if token.revoked_at else "some time"
    return f"revoked already, {when} ago by {who}"
