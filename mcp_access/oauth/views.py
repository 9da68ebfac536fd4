"""Token and revocation endpoints: form bodies only, JSON answers only, never stored by a cache."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, TooManyFilesSent
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from oauth2_provider.models import Application
from oauth2_provider.oauth2_backends import get_oauthlib_core

from cliqtel_portal.accounts.throttle import address_key, usage
from mcp_access.models import OAuthAttempt
from mcp_access.oauth import attempts
from mcp_access.oauth.validator import ARRIVED_HEADER

MAX_BODY_BYTES = 16 * 1024
_FORM = "application/x-www-form-urlencoded"
_GRANTS = {
    "authorization_code": OAuthAttempt.Step.TOKEN,
    "refresh_token": OAuthAttempt.Step.REFRESH,
}


class RequestRefused(Exception):
    """The request is not one that the library should see (RFC 6749 section 5.2)."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


@csrf_exempt
@sensitive_post_parameters()
def token(request: HttpRequest) -> HttpResponse:
    """RFC 6749 section 3.2: a code or a refresh token becomes a new pair."""
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
    request.META[ARRIVED_HEADER] = timezone.now()
    # One transaction: a code or refresh token is judged and spent under its row's lock. A refused
    # request commits too: what a replay has ended must stay ended.
    with transaction.atomic():
        _, _, body, status = get_oauthlib_core().create_token_response(request)
    content = _content(body)
    attempts.record(
        request,
        step,
        reason="" if status == 200 else str(content.get("error", "error")),
        detail=str(content.get("error_description", "")) if status != 200 else "",
        application=_application(request),
        client_id=_client_id(request),
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
    attempts.record(
        request,
        OAuthAttempt.Step.REVOKE,
        reason="" if status == 200 else str(content.get("error", "error")),
        application=_application(request),
        client_id=_client_id(request),
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
            "temporarily_unavailable", f"Try again in {spent.retry_after} s.", status=429
        )
    if request.content_type != _FORM:
        raise RequestRefused("invalid_request", f"Send the parameters as {_FORM}.")
    if request.META.get("QUERY_STRING"):
        raise RequestRefused("invalid_request", "Parameters belong in the body, not in the URL.")
    try:
        too_long = len(request.body) > MAX_BODY_BYTES
        lists = list(request.POST.lists())
    except (BadRequest, UnreadablePostError, TooManyFilesSent, MultiPartParserError) as error:
        raise RequestRefused("invalid_request", "The body can't be read.") from error
    if too_long:
        raise RequestRefused("invalid_request", "The body is too long.", status=413)
    for name, values in lists:
        if len(values) > 1:
            raise RequestRefused("invalid_request", f"{_shown(name)} is given more than once.")
        if "\x00" in name + values[0] or not _is_text(name + values[0]):
            raise RequestRefused("invalid_request", "A parameter has characters that can't be.")
    _check_basic(request.headers.get("Authorization", ""))


def _check_basic(header: str) -> None:
    """A client that authenticates by header must do so readably, and only there.

    Raises:
        RequestRefused: 401 invalid_client.
    """
    if not header:
        return
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme != "Basic" or not encoded.isascii():
            raise ValueError
        decoded = base64.b64decode(encoded, validate=True).decode("utf-8")
        if ":" not in decoded or "\x00" in decoded:
            raise ValueError
    except (ValueError, binascii.Error) as error:
        raise RequestRefused(
            "invalid_client", "Authenticate with HTTP Basic or in the body.", status=401
        ) from error


def _is_text(value: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _shown(name: str) -> str:
    return name if name.isascii() and name.isidentifier() and len(name) <= 40 else "A parameter"


def _client_id(request: HttpRequest) -> str:
    return request.POST.get("client_id", "")


def _application(request: HttpRequest) -> Application | None:
    client_id = _client_id(request)
    return Application.objects.filter(client_id=client_id).first() if client_id else None


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
        answer["Retry-After"] = "60"
    return answer


def _answer(content: dict[str, Any], status: int) -> JsonResponse:
    answer = JsonResponse(
        content, status=status, headers={"Cache-Control": "no-store", "Pragma": "no-cache"}
    )
    if status == 401:
        answer["WWW-Authenticate"] = 'Basic realm="oauth", charset="UTF-8"'
    return answer
