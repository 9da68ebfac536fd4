"""The authorization endpoint: judge the request, let the person decide, send them back.

The query of the GET is the authority. The form says only allow or not, in which account, and which
subset of the scopes; nothing in the query skips the question.
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import unquote, urlencode

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from oauth2_provider.http import OAuth2ResponseRedirect
from oauth2_provider.models import Application
from oauth2_provider.oauth2_backends import get_oauthlib_core
from oauthlib import oauth2
from oauthlib.oauth2.rfc6749 import errors

from cliqtel_portal.accounts.http import choose_membership
from cliqtel_portal.accounts.models import Membership, User
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.accounts.throttle import address_key, refusal, usage
from cliqtel_portal.errors import NotFound
from mcp_access.connections import (
    ConnectionLimitReached,
    connections_of,
    count_connections,
    find_connection,
)
from mcp_access.oauth import attempts, cimd, consent, pkce, redirects, resource
from mcp_access.oauth.backend import McpOAuthCore, error_redirect
from mcp_access.oauth.sessions import end_connection

MAX_QUERY = 8192
# A longer address waits in the session while the person signs in; so many of them at most.
MAX_NEXT = 1024
MAX_QUESTIONS = 5
_QUESTIONS = "oauth_questions"


class Unredirectable(Exception):
    """The request must be answered here: client or redirect URI can't be trusted."""

    def __init__(self, error: str, message: str, *, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.message = message
        self.status = status


# No form-action: browsers apply it to the redirect after the form, which goes to the host.
@csp_replace({"form-action": None})
@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    answer = _authorize(request)
    answer["Cache-Control"] = "no-store"
    answer["Referrer-Policy"] = "same-origin"
    # Hosts open this page in a popup and keep window.opener; Django's default would sever it.
    answer["Cross-Origin-Opener-Policy"] = "unsafe-none"
    return answer


def _authorize(request: HttpRequest) -> HttpResponse:
    spent = usage(
        request,
        group="oauth-authorize",
        key=address_key(request),
        rate=settings.RATE_LIMIT_AUTHORIZE,
        count=True,
    )
    if spent.is_over:
        return refusal(request, spent)
    core: McpOAuthCore = get_oauthlib_core()
    try:
        _check_query(request)
        if set(request.GET) == {"resume"}:
            return _resume(request)
        application = _application(request)
        asked, credentials = _judge(request, core)
    except Unredirectable as refused:
        _note(request, reason=refused.error, detail=refused.message)
        context = {"error": refused.error, "message": refused.message}
        return render(request, "oauth/error.html", context, status=refused.status)
    except oauth2.OAuth2Error as error:
        return _redirect_error(request, error, request.GET["redirect_uri"])
    prompt = request.GET.get("prompt", "").split()
    if "none" in prompt:
        # There is always a question here, so it can never be answered without one.
        is_known = request.user.is_authenticated
        unanswered = errors.CustomOAuth2Error(
            error="consent_required" if is_known else "login_required",
            state=request.GET.get("state"),
        )
        return _redirect_error(request, unanswered, credentials["redirect_uri"])
    if not request.user.is_authenticated:
        return _sign_in(request)
    return _decide(request, core, application, asked, credentials)


def _decide(
    request: HttpRequest,
    core: McpOAuthCore,
    application: Application,
    asked: list[str],
    credentials: dict[str, Any],
) -> HttpResponse:
    """Show the question, or act on the answer."""
    decision = request.POST.get("decision", "cancel") if request.method == "POST" else None
    if decision == "switch":
        # Not by the sign-out page: its Cross-Origin-Opener-Policy would cut off the host's popup.
        logout(request)
        return _sign_in(request)
    memberships = _memberships(request)
    membership = _chosen(request, memberships, asked)
    back = credentials["redirect_uri"]
    if decision not in {None, "allow", "disconnect"}:
        denied = _denied(request, "The person chose Cancel.")
        return _redirect_error(request, denied, back, membership=membership)
    if not memberships:
        _note(request, reason="no_access", detail="The person has no role with AI access.")
        context = {"app": consent.app_name(application), "query": request.GET.urlencode()}
        return render(request, "oauth/no_access.html", context, status=403)
    if not any(consent.grantable(one, asked) for one in memberships):
        denied = _denied(request, "No account of the person can give a scope of these.")
        return _redirect_error(request, denied, back)
    if membership is None:
        messages.warning(request, "That account can't be used any more. Look again who is asked.")
        return redirect(request.get_full_path())
    ticked = set(request.POST.getlist("scope"))
    page = consent.page(
        application=application,
        membership=membership,
        memberships=memberships,
        asked=asked,
        redirect_uri=back,
        query=request.GET,
        ticked=None if decision is None else ticked,
    )
    if decision == "disconnect":
        _disconnect(request, membership)
    if decision != "allow":
        return render(request, "oauth/consent.html", page)
    scopes = [scope for scope in consent.grantable(membership, asked) if scope in ticked]
    if not scopes:
        page["problem"] = "Tick at least one permission, or choose Cancel."
        return render(request, "oauth/consent.html", page, status=422)
    try:
        target = consent.allow(
            request,
            core,
            membership=membership,
            application=application,
            scopes=scopes,
            asked=asked,
            credentials=credentials,
        )
    except consent.ClientGone:
        return redirect(request.get_full_path())  # where it is told
    except ConnectionLimitReached as full:
        _note(request, reason=full.code, detail=full.message, membership=membership)
        found = connections_of(membership)
        others = max(0, count_connections(membership.tenant) - len(found))
        page |= {"problem": full.message, "connections": found, "others": others}
        return render(request, "oauth/connections_full.html", page, status=409)
    _note(request, membership=membership)
    return _redirect(target)


def _disconnect(request: HttpRequest, membership: Membership) -> None:
    """End the connection that the person chose on the page of full connections."""
    kind, _, identifier = request.POST.get("connection", "").partition(":")
    try:
        connection = find_connection(membership, kind, identifier)
    except NotFound:
        messages.info(request, "That connection had ended already.")
        return
    end_connection(membership, connection)
    messages.success(request, f"Disconnected {connection.name}. Allow to go on.")


def _sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, which leads back to the same question."""
    path = request.get_full_path()
    if len(path) > MAX_NEXT:
        # Django follows no `next` of more than 2,048 characters; proxies cut long addresses too.
        kept = request.session.get(_QUESTIONS, {})
        key = secrets.token_urlsafe(8)
        request.session[_QUESTIONS] = dict([*kept.items(), (key, path)][-MAX_QUESTIONS:])
        path = f"{request.path}?{urlencode({'resume': key})}"
    return redirect_to_login(path, reverse("account_login"))


def _resume(request: HttpRequest) -> HttpResponse:
    """Back to the question that was too long for the sign-in page's address.

    Raises:
        Unredirectable
    """
    path = request.session.get(_QUESTIONS, {}).get(request.GET["resume"])
    if path is None:
        raise Unredirectable(
            "invalid_request", "This question has lapsed. Connect again from the app."
        )
    return redirect(path)


def _denied(request: HttpRequest, description: str) -> oauth2.OAuth2Error:
    return errors.AccessDeniedError(description=description, state=request.GET.get("state"))


def _check_query(request: HttpRequest) -> None:
    """Raises Unredirectable: before a client is known, nothing may be sent anywhere."""
    query = request.META.get("QUERY_STRING", "")
    if len(query) > MAX_QUERY:
        raise Unredirectable("invalid_request", "The request is too long.")
    try:
        unquote(query, errors="strict")
    except UnicodeDecodeError as error:
        raise Unredirectable("invalid_request", "The request is not UTF-8.") from error
    for name, values in request.GET.lists():
        if "\x00" in name + "".join(values):
            raise Unredirectable("invalid_request", "The request has characters that can't be.")
        if len(values) > 1:
            raise Unredirectable("invalid_request", "A parameter is given more than once.")


def _application(request: HttpRequest) -> Application:
    """The client, whose redirect URI is its own.

    Raises:
        Unredirectable
    """
    client_id, redirect_uri = request.GET.get("client_id", ""), request.GET.get("redirect_uri", "")
    validator = get_oauthlib_core().server.request_validator
    asked = cimd.AuthorizationRequest(http=request)
    application = validator._load_application(client_id, asked)
    if application is None and cimd.is_plain_address(client_id):
        raise Unredirectable(
            "invalid_client",
            "The app's description, at the address that it goes by, can't be read now or is not "
            "one that is accepted here. Try again in a minute; if it stays so, tell the app's "
            "makers.",
        )
    if application is None:
        raise Unredirectable(
            "invalid_client",
            "This app is not registered here, or its registration has lapsed. Remove the "
            "connection in the app and add it again.",
        )
    if not redirect_uri:
        raise Unredirectable("invalid_request", "The app did not say where to return to.")
    # The library compares what urlsplit() sees, which drops tabs, and reads no loopback port.
    if redirects.problem_of(redirect_uri) or not application.redirect_uri_allowed(redirect_uri):
        raise Unredirectable(
            "invalid_redirect_uri",
            "The app asks to return to an address that it did not register. Don't go on; remove "
            "the connection in the app and add it again.",
        )
    return application


def _judge(request: HttpRequest, core: McpOAuthCore) -> tuple[list[str], dict[str, Any]]:
    """Scopes asked for and credentials.

    Raises:
        oauthlib.oauth2.OAuth2Error: to be told to the client by redirect.
        Unredirectable
    """
    state = request.GET.get("state")
    if not pkce.is_s256(
        request.GET.get("code_challenge"), request.GET.get("code_challenge_method")
    ):
        raise errors.InvalidRequestError(
            description="PKCE with code_challenge_method S256 is required.", state=state
        )
    response_type = request.GET.get("response_type")
    if response_type and response_type != "code":
        raise errors.UnsupportedResponseTypeError(
            description="The only response_type here is code.", state=state
        )
    if request.GET.get("response_mode", "query") not in {"", "query"}:
        raise errors.InvalidRequestError(
            description="The only response_mode here is query.", state=state
        )
    named = request.GET.get("resource")
    if named and not resource.is_ours(named):
        raise errors.CustomOAuth2Error(
            error="invalid_target",
            description=f"The only resource here is {settings.MCP_RESOURCE_URL}.",
            state=state,
        )
    try:
        scopes, credentials = core.judge_authorization(request)
    except oauth2.FatalClientError as error:
        raise Unredirectable("invalid_request", "The request can't be understood.") from error
    asked = consent.asked_scopes(scopes) or consent.default_scopes()
    return asked, credentials


def _memberships(request: HttpRequest) -> list[Membership]:
    found = (
        Membership.objects.live()
        .filter(user_id=str(request.user.pk))
        .select_related("tenant", "user")
        .order_by("tenant__name")
    )
    return [membership for membership in found if may_use_ai_access(membership.role)]


def _chosen(
    request: HttpRequest, memberships: list[Membership], asked: list[str]
) -> Membership | None:
    """The account that was picked, else the current one, else one that can give something.

    None where an answer names an account that isn't the person's: it was not what they were shown.
    """
    source = request.POST if request.method == "POST" and "tenant" in request.POST else request.GET
    for membership in memberships:
        if membership.tenant.slug == source.get("tenant"):
            return membership
    if source is request.POST:
        return None
    current = choose_membership(request.session, memberships)
    if current is not None and consent.grantable(current, asked):
        return current
    return next((one for one in memberships if consent.grantable(one, asked)), current)


def _redirect_error(
    request: HttpRequest,
    error: oauth2.OAuth2Error,
    redirect_uri: str,
    *,
    membership: Membership | None = None,
) -> HttpResponse:
    _note(request, reason=error.error, detail=str(error.description or ""), membership=membership)
    target = error_redirect(error, redirect_uri)
    return _redirect(target)


def _redirect(target: str) -> HttpResponse:
    """Back to the host, whose scheme may be an app's."""
    schemes = settings.OAUTH2_PROVIDER["ALLOWED_REDIRECT_URI_SCHEMES"]
    answer: HttpResponse = OAuth2ResponseRedirect(target, schemes)
    return answer


def _note(
    request: HttpRequest,
    *,
    reason: str = "",
    detail: str = "",
    membership: Membership | None = None,
) -> None:
    client_id = request.GET.get("client_id", "")
    application = (
        Application.objects.filter(client_id=client_id).first() if "\x00" not in client_id else None
    )
    redirect_uri = request.GET.get("redirect_uri", "")
    is_uri = redirects.problem_of(redirect_uri) is None
    user = request.user if isinstance(request.user, User) else None
    attempts.record(
        request,
        attempts.Step.CONSENT if membership else attempts.Step.AUTHORIZE,
        reason=reason,
        detail=detail,
        application=application,
        client_id=client_id,
        redirect_host=redirects.host_of(redirect_uri) if is_uri else "",
        tenant=membership.tenant if membership else None,
        user=user,
    )
