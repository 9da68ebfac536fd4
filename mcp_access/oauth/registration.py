"""Dynamic client registration (RFC 7591): open, strict about redirects, cheap.

No registration access token is issued: it would never expire and nothing here needs it. A client
has no owner, even when the caller happens to be signed in: registering proves nothing.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.models import Application

from cliqtel_portal.accounts.throttle import address_key, usage
from mcp_access.oauth import attempts, redirects

MAX_BODY_BYTES = 16 * 1024
_AUTH_METHODS = ("none", "client_secret_post", "client_secret_basic")
_GRANT_TYPES = frozenset({"authorization_code", "refresh_token"})
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class RegistrationRefused(Exception):
    """RFC 7591 section 3.2.2."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, kw_only=True)
class ClientMetadata:
    name: str
    redirect_uris: tuple[str, ...]
    auth_method: str

    @property
    def is_public(self) -> bool:
        return self.auth_method == "none"


@csrf_exempt
def register(request: HttpRequest) -> HttpResponse:
    """POST JSON metadata; 201 with the client's id, and its secret if it is confidential."""
    if request.method != "POST":
        answer = _error("invalid_request", "Use POST.", status=405)
        answer["Allow"] = "POST, OPTIONS"
        return answer
    metadata: Any = None
    try:
        check_limits(request)
        metadata = _parsed(request)
        client = read_metadata(metadata)
    except RegistrationRefused as refused:
        if refused.status == 429:
            attempts.record_flood(
                request,
                attempts.Step.REGISTER,
                reason=refused.error,
                detail=refused.description,
            )
        else:
            attempts.record(
                request,
                attempts.Step.REGISTER,
                reason=refused.error,
                detail=refused.description,
                client_name=_shown_name(metadata),
            )
        answer = _error(refused.error, refused.description, status=refused.status)
        if refused.status == 429:
            answer["Retry-After"] = "60"
        return answer
    application, secret = create_client(client)
    attempts.record(
        request,
        attempts.Step.REGISTER,
        application=application,
        redirect_host=redirects.host_of(client.redirect_uris[0]),
    )
    return JsonResponse(_information(application, client, secret), status=201, headers=_NO_STORE)


def read_metadata(metadata: Any) -> ClientMetadata:
    """The parts that matter, judged; unknown members and `scope` are ignored.

    Raises:
        RegistrationRefused: naming every bad redirect URI.
    """
    if not isinstance(metadata, dict):
        raise RegistrationRefused("invalid_client_metadata", "Send one JSON object.")
    return ClientMetadata(
        name=_name(metadata.get("client_name")),
        redirect_uris=_redirect_uris(metadata.get("redirect_uris")),
        auth_method=_auth_method(metadata),
    )


def create_client(client: ClientMetadata) -> tuple[Application, str]:
    """The client exists. Returns its secret too, "" for a public one, which costs no hash."""
    secret = "" if client.is_public else secrets.token_urlsafe(32)
    application = Application(
        name=client.name,
        redirect_uris=" ".join(client.redirect_uris),
        client_type="public" if client.is_public else "confidential",
        authorization_grant_type="authorization-code",
        client_secret=secret,
        hash_client_secret=bool(secret),
        registration_source="dcr",
        user=None,
    )
    application.save()
    return application, secret


def check_limits(request: HttpRequest) -> None:
    """One more client is counted, whether it registers or is read from its document.

    Raises:
        RegistrationRefused: too many, from this address or in all.
    """
    here = usage(
        request,
        group="oauth-register",
        key=address_key(request),
        rate=settings.RATE_LIMIT_REGISTER,
        count=True,
    )
    in_all = usage(
        request,
        group="oauth-register-total",
        key="all",
        rate=settings.RATE_LIMIT_REGISTER_TOTAL,
        count=True,
    )
    if here.is_over or in_all.is_over:
        raise RegistrationRefused(
            "temporarily_unavailable", "Too many registrations. Try again later.", status=429
        )


def _parsed(request: HttpRequest) -> Any:
    if request.content_type != "application/json":
        raise RegistrationRefused("invalid_client_metadata", "Send Content-Type: application/json.")
    too_long = RegistrationRefused(
        "invalid_client_metadata", f"At most {MAX_BODY_BYTES} bytes.", status=413
    )
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise too_long from error
    except (UnreadablePostError, ValueError) as error:
        # A connection that broke, a length that is no number.
        raise RegistrationRefused("invalid_client_metadata", "The body can't be read.") from error
    if len(body) > MAX_BODY_BYTES:
        raise too_long
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RegistrationRefused("invalid_client_metadata", "This is not JSON.") from error


def _name(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 120 or not value.isprintable():
        raise RegistrationRefused(
            "invalid_client_metadata", "client_name: a text of at most 120 printable characters."
        )
    return value.strip()


def _redirect_uris(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= redirects.MAX_URIS:
        raise RegistrationRefused(
            "invalid_redirect_uri", f"redirect_uris: a list of 1 to {redirects.MAX_URIS} URIs."
        )
    problems = [
        f"redirect_uris[{index}] {problem}"
        for index, uri in enumerate(value)
        if (problem := redirects.problem_of(uri))
    ]
    if problems:
        raise RegistrationRefused("invalid_redirect_uri", "; ".join(problems) + ".")
    return tuple(dict.fromkeys(value))


def _auth_method(metadata: dict[str, Any]) -> str:
    method = metadata.get("token_endpoint_auth_method", "client_secret_basic")
    if method not in _AUTH_METHODS:
        raise RegistrationRefused(
            "invalid_client_metadata",
            f"token_endpoint_auth_method: one of {', '.join(_AUTH_METHODS)}.",
        )
    grants = metadata.get("grant_types", ["authorization_code"])
    if (
        not isinstance(grants, list)
        or not all(isinstance(grant, str) for grant in grants)
        or "authorization_code" not in grants
        or not set(grants) <= _GRANT_TYPES
    ):
        raise RegistrationRefused(
            "invalid_client_metadata",
            "grant_types: authorization_code, and refresh_token if you like.",
        )
    if metadata.get("response_types", ["code"]) != ["code"]:
        raise RegistrationRefused("invalid_client_metadata", 'response_types: only ["code"].')
    return str(method)


def _information(application: Application, client: ClientMetadata, secret: str) -> dict[str, Any]:
    answer = {
        "client_id": application.client_id,
        "client_id_issued_at": int(application.created.timestamp()),
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": client.auth_method,
    }
    if secret:
        answer |= {"client_secret": secret, "client_secret_expires_at": 0}
    return answer


def _shown_name(metadata: Any) -> str:
    name = metadata.get("client_name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""


def _error(error: str, description: str, *, status: int) -> JsonResponse:
    body = {"error": error, "error_description": description}
    return JsonResponse(body, status=status, headers=_NO_STORE)
