"""DOT's bridge to oauthlib: codes by digest, and only what we have judged reaches the library."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore, _add_iss_to_redirect
from oauthlib import oauth2

from mcp_access import tokens

# All that the library is told of an authorization request. It takes every other name of the query
# for an attribute of its own, and fails on a query that is not strictly encoded.
_PARAMETERS = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)

# oauthlib makes every field an attribute of its request, beside those that it and the validator
# set themselves: a field named `encoding` or `refresh_token_instance` would be taken for theirs.
FORM_FIELDS = frozenset(
    {
        "grant_type",
        "code",
        "code_verifier",
        "redirect_uri",
        "refresh_token",
        "client_id",
        "client_secret",
        "scope",
        "resource",
        "token",
        "token_type_hint",
    }
)


class McpOAuthCore(OAuthLibCore):  # type: ignore[misc]
    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The fields we know, with the code as the digest under which it is stored."""
        return [
            (key, tokens.digest(value) if key == "code" else value)
            for key, value in super().extract_body(request)
            if key in FORM_FIELDS
        ]

    def judge_authorization(self, request: HttpRequest) -> tuple[list[str], dict[str, Any]]:
        """Scopes asked and credentials, from the query alone, whatever the method.

        Raises:
            oauthlib.oauth2.FatalClientError: no redirect may be made.
            oauthlib.oauth2.OAuth2Error: to be told to the client by redirect.
        """
        scopes, credentials = self.server.validate_authorization_request(
            _judged_uri(request), http_method="GET", body="", headers=self.extract_headers(request)
        )
        return list(scopes), dict(credentials)

    def issue_code(
        self, request: HttpRequest, *, scopes: list[str], credentials: dict[str, Any]
    ) -> str:
        """The URI to send the person to, with a new code, the state and `iss` (RFC 9207)."""
        answer, _, _ = self.server.create_authorization_response(
            uri=_judged_uri(request),
            http_method="GET",
            headers=self.extract_headers(request),
            scopes=scopes,
            credentials=credentials,
        )
        return with_issuer(answer["Location"])


def with_issuer(uri: str) -> str:
    """The redirect with `iss`, once, ours."""
    return str(_add_iss_to_redirect(uri, settings.OAUTH_ISSUER))


def error_redirect(error: oauth2.OAuth2Error, redirect_uri: str) -> str:
    return with_issuer(error.in_uri(redirect_uri))


def _judged_uri(request: HttpRequest) -> str:
    """The request anew. A parameter without a value is as good as absent (RFC 6749 section 3.1)."""
    given = [(name, request.GET.get(name, "")) for name in _PARAMETERS]
    return f"{request.path}?{urlencode([item for item in given if item[1]])}"
