"""DOT's bridge to oauthlib: codes by digest, and only what we have judged reaches the library."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore, _add_iss_to_redirect
from oauthlib import oauth2

from mcp_access import tokens


class McpOAuthCore(OAuthLibCore):  # type: ignore[misc]
    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The form with the code as the digest under which it is stored."""
        return [
            (key, tokens.digest(value) if key == "code" else value)
            for key, value in super().extract_body(request)
        ]

    def judge_authorization(self, request: HttpRequest) -> tuple[list[str], dict[str, Any]]:
        """Scopes asked and credentials, from the query alone, whatever the method.

        Raises:
            oauthlib.oauth2.FatalClientError: no redirect may be made.
            oauthlib.oauth2.OAuth2Error: to be told to the client by redirect.
        """
        uri, _, _, headers = self._extract_params(request)
        scopes, credentials = self.server.validate_authorization_request(
            uri, http_method="GET", body="", headers=headers
        )
        return list(scopes), dict(credentials)

    def issue_code(
        self, request: HttpRequest, *, scopes: list[str], credentials: dict[str, Any]
    ) -> str:
        """The URI to send the person to, with a new code, the state and `iss` (RFC 9207)."""
        uri, _, _, headers = self._extract_params(request)
        answer, _, _ = self.server.create_authorization_response(
            uri=uri, http_method="GET", headers=headers, scopes=scopes, credentials=credentials
        )
        return with_issuer(answer["Location"])


def with_issuer(uri: str) -> str:
    """The redirect with `iss`, once, ours."""
    return str(_add_iss_to_redirect(uri, settings.OAUTH_ISSUER))


def error_redirect(error: oauth2.OAuth2Error, redirect_uri: str) -> str:
    return with_issuer(error.in_uri(redirect_uri))
