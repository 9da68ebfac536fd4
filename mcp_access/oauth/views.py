"""Token and revocation endpoints: form bodies only, JSON answers only, never stored by a cache."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from oauth2_provider.models import Application
from oauth2_provider.oauth2_backends import get_oauthlib_core

from cliqtel_portal.accounts.throttle import address_key, usage
from mcp_access.models import OAuthAttempt
from mcp_access.oauth import attempts
from mcp_access.oauth.backend import FORM_FIELDS
from mcp_access.oauth.owners import Owner, owner_of
from mcp_access.oauth.validator import ARRIVED_HEADER

MAX_BODY_BYTES = 16 * 1024
# What django-oauth-toolkit makes, or the address of a metadata document.
_CLIENT_ID = re.compile(r"^([0-9A-Za-z]{40}|https://[^?#\s]+)$", re.ASCII)
_FORM = "application/x-www-form-urlencoded"
_GRANTS = {
    "authorization_code": OAuthAttempt.Step.TOKEN,
    "refresh_token": OAuthAttempt.Step.REFRESH,
}


class RequestRefused(Exception):
    """The request is not one that the library should see (RFC 6749 section 5.2)."""

    def __init__(
        self, error: str, description: str, *, status: int = 400, retry_after: int = 0
    ) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.retry_after = retry_after  # seconds, with 429


@csrf_exempt
@sensitive_post_parameters()
def token(request: HttpRequest) -> HttpResponse:
    """RFC 6749 section 3.2: a code or a refresh token becomes a new pair."""
    arrival = _arrival(request)
    step = OAuthAttempt.Step.TOKEN
    try:
        _check(request)
        grant_type = request.POST.get("grant_type", "")
        if grant_type not in _GRANTS:
            raise RequestRefused(
                "unsupported_grant_type", "Only authorization_code and refresh_token."
            )
        step = _GRANTS[grant_type]
    except RequestRefused as refused:
        return _refuse(request, refused, step)
    request.META[ARRIVED_HEADER] = arrival
    # One transaction: a code or refresh token is judged and spent under its row's lock. A refused
    # request commits too: what a replay has ended must stay ended.
    with transaction.atomic():
        _, _, body, status = get_oauthlib_core().create_token_response(request)
    content = _content(body)
    application = _application(request)
    tenant, user = _owner(request, application)
    attempts.record(
        request,
        step,
        reason="" if status == 200 else str(content.get("error", "error")),
        detail=str(content.get("error_description", "")) if status != 200 else "",
        application=application,
        client_id=_named_client(request),
        tenant=tenant,
        user=user,
    )
    return _answer(content, status)


@csrf_exempt
@sensitive_post_parameters()
def revoke(request: HttpRequest) -> HttpResponse:
    """RFC 7009: the session of the token ends; 200 for one that is unknown or somebody else's."""
    try:
        _check(request)
    except RequestRefused as refused:
        return _refuse(request, refused, OAuthAttempt.Step.REVOKE)
    with transaction.atomic():
        _, _, body, status = get_oauthlib_core().create_revocation_response(request)
    content = _content(body)
    application = _application(request)
    tenant, user = _owner(request, application)
    attempts.record(
        request,
        OAuthAttempt.Step.REVOKE,
        reason="" if status == 200 else str(content.get("error", "error")),
        application=application,
        client_id=_named_client(request),
        tenant=tenant,
        user=user,
    )
    return _answer(content, status)


def _check(request: HttpRequest) -> None:
    """Method, limit, form, duplicates, characters: so that no bytes can trouble the library.

    Raises:
        RequestRefused
    """
    if request.method != "POST":
        raise RequestRefused("invalid_request", "Use POST.", status=405)
    spent = usage(
        request,
        group="oauth-token",
        key=address_key(request),
        rate=settings.RATE_LIMIT_TOKEN,
        count=True,
    )
    if spent.is_over:
        raise RequestRefused(
            "temporarily_unavailable",
            f"Try again in {spent.retry_after} s.",
            status=429,
            retry_after=spent.retry_after,
        )
    if request.content_type != _FORM:
        raise RequestRefused("invalid_request", f"Send the parameters as {_FORM}.")
    if request.META.get("QUERY_STRING"):
        raise RequestRefused("invalid_request", "Parameters belong in the body, not in the URL.")
    try:
        if len(request.body) > MAX_BODY_BYTES:
            raise RequestRefused("invalid_request", "The body is too long.", status=413)
        lists = list(request.POST.lists())
    except RequestDataTooBig as error:
        raise RequestRefused("invalid_request", "The body is too long.", status=413) from error
    except (BadRequest, SuspiciousOperation, UnreadablePostError, ValueError) as error:
        # Too many fields, another charset, a connection that broke, a length that is no number.
        raise RequestRefused("invalid_request", "The body can't be read.") from error
    for name, values in lists:
        if len(values) > 1:
            raise RequestRefused("invalid_request", f"{_shown(name)} is given more than once.")
        if "\x00" in name + values[0] or not _is_text(name + values[0]):
            raise RequestRefused("invalid_request", "A parameter has characters that can't be.")
    _check_basic(request)


def _check_basic(request: HttpRequest) -> None:
    """A client that authenticates by header must do so readably, and only there.

    Raises:
        RequestRefused: 401 invalid_client; 400 when it authenticates twice (RFC 6749 section 5.2).
    """
    header = request.headers.get("Authorization", "")
    if not header:
        return
    client_id = _basic_client_id(header)
    if client_id is None:
        raise RequestRefused(
            "invalid_client", "Authenticate with HTTP Basic or in the body.", status=401
        )
    if request.POST.get("client_secret") or request.POST.get("client_id", client_id) != client_id:
        raise RequestRefused("invalid_request", "Authenticate in the header or in the body.")
    # The library knows the scheme in one spelling only (RFC 9110 section 11.1: any case).
    request.META["HTTP_AUTHORIZATION"] = f"Basic {header.partition(' ')[2]}"


def _basic_client_id(header: str) -> str | None:
    """The client that the header names, form-decoded (RFC 6749 section 2.3.1); None: unreadable."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or not encoded.isascii():
        return None
    try:
        decoded = base64.b64decode(encoded, validate=True).decode("utf-8")
    except ValueError:  # not base64, not UTF-8
        return None
    client_id, colon, secret = decoded.partition(":")
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    return client_id if colon and "\x00" not in client_id + secret else None


def _is_text(value: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _shown(name: str) -> str:
    """A name that we know: any other may be a credential that stands in the wrong place."""
    return name if name in FORM_FIELDS else "A parameter"


def _arrival(request: HttpRequest) -> datetime:
    """When the server had the request: before it waited for a thread, where that is known."""
    scope: dict[str, Any] = getattr(request, "scope", {})
    moment: datetime = scope.get(ARRIVED_HEADER) or timezone.now()
    return moment


def _client_id(request: HttpRequest) -> str:
    """The client that the request names, known or not; asked after the request was checked."""
    basic = _basic_client_id(request.headers.get("Authorization", ""))
    return basic or request.POST.get("client_id", "")


def _application(request: HttpRequest) -> Application | None:
    client_id = _client_id(request)
    return Application.objects.filter(client_id=client_id).first() if client_id else None


def _owner(request: HttpRequest, application: Application | None) -> Owner:
    """Whose the code or the token in the request is, so that their admins can read of it."""
    form = request.POST
    token = form.get("refresh_token", "") or form.get("token", "")
    return owner_of(application, code=form.get("code", ""), token=token)


def _named_client(request: HttpRequest) -> str:
    """The client's id for the record, if it has the form of one: a code or a secret has not."""
    client_id = _client_id(request)
    return client_id if _CLIENT_ID.match(client_id) else ""


def _content(body: str | dict[str, Any] | None) -> dict[str, Any]:
    if not body:
        return {}
    content = json.loads(body) if isinstance(body, str) else body
    return dict(content)


def _refuse(request: HttpRequest, refused: RequestRefused, step: OAuthAttempt.Step) -> JsonResponse:
    if refused.status not in {405, 429}:
        attempts.record(request, step, reason=refused.error, detail=refused.description)
    content = {"error": refused.error, "error_description": refused.description}
    answer = _answer(content, refused.status)
    if refused.status == 405:
        answer["Allow"] = "POST, OPTIONS"
    if refused.status == 429:
        answer["Retry-After"] = str(refused.retry_after)
    return answer


def _answer(content: dict[str, Any], status: int) -> JsonResponse:
    answer = JsonResponse(
        content, status=status, headers={"Cache-Control": "no-store", "Pragma": "no-cache"}
    )
    if status == 401:
        answer["WWW-Authenticate"] = 'Basic realm="oauth", charset="UTF-8"'
    return answer
