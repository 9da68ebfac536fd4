"""Client ID metadata documents: clients whose id is the https address of their own description.

django-oauth-toolkit fetches the documents (guarded against SSRF), keeps them as clients, backs off
from bad ones and bounds how many fetches are under way. Here: which ids may be fetched and when,
which documents are accepted, and the copies that we ship of well-known hosts' documents.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from oauth2_provider.cimd import CIMDError, SafeMetadataFetcher
from oauth2_provider.models import Application
from oauth2_provider.settings import oauth2_settings

from mcp_access.oauth import redirects, registration

_PINNED = Path(__file__).parent / "client_documents"
_SERVED_GRANTS = ("authorization_code", "refresh_token")


@dataclass
class AuthorizationRequest:
    """Stands in for oauthlib's request while the client of an authorization request is loaded."""

    http: HttpRequest
    client: Application | None = None


class DocumentPolicy:
    """When a document may be fetched: for a question to a person, at a plain address, sparingly.

    Never for a token request: it holds a transaction and row locks, and its client, if it has a
    code or a token to show, is known. A first sight makes a client and costs a request to
    somewhere else, so it counts as a registration does.
    """

    def has_permission(self, request: object, client_id: str) -> bool:
        if not isinstance(request, AuthorizationRequest):
            return False
        if client_id in pinned_documents():
            return True
        if not is_plain_address(client_id):
            return False
        try:
            registration.check_limits(request.http)
        except registration.RegistrationRefused:
            return False
        return True


class DocumentFetcher(SafeMetadataFetcher):  # type: ignore[misc]
    """The document of a client id, ours if we ship one, in the terms that the library knows."""

    def fetch(self, client_id: str) -> tuple[dict[str, Any], int]:
        """Return the document and for how many seconds it is good.

        Raises:
            oauth2_provider.cimd.CIMDError: there is none, or none that we accept.
        """
        pinned = pinned_documents().get(client_id)
        if pinned is not None:
            return accepted(pinned), oauth2_settings.CIMD_METADATA_MAX_AGE_SECONDS
        document, max_age_seconds = super().fetch(client_id)
        return accepted(document), max_age_seconds


@cache
def pinned_documents() -> dict[str, dict[str, Any]]:
    """The documents that we ship, by client id. They win over the network, always."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(_PINNED.glob("*.json"))]
    return {document["client_id"]: document for document in found}


def is_plain_address(client_id: str) -> bool:
    """Whether it is https at a named host, on https's own port, spelled without tricks.

    Other ports are refused so that nobody can have ours knock at them.
    """
    if redirects.problem_of(client_id) is not None:
        return False
    parts = urlsplit(client_id)
    return parts.scheme == "https" and parts.netloc.lower() == parts.hostname


def host_of(application: Application) -> str:
    """The host that published the client's document, "" for a client that registered itself."""
    is_published = application.registration_source == Application.RegistrationSource.CIMD
    return urlsplit(application.client_id).hostname or "" if is_published else ""


def accepted(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what we don't serve left out, under the same rules as registration.

    Hosts list every grant type that they can use, and ChatGPT prefers `private_key_jwt` while it
    offers `none` too: what counts is whether there is a way that both sides know.

    Raises:
        oauth2_provider.cimd.CIMDError
    """
    method = document.get("token_endpoint_auth_method", "none")
    others = document.get("token_endpoint_auth_methods_supported")
    if method == "private_key_jwt" and isinstance(others, list) and "none" in others:
        method = "none"
    if method != "none":
        raise CIMDError("the client can't be a public one")
    wanted = {
        "token_endpoint_auth_method": "none",
        "grant_types": _served(document.get("grant_types", ["authorization_code"]), _SERVED_GRANTS),
        "response_types": _served(document.get("response_types", ["code"]), ("code",)),
    }
    try:
        client = registration.read_metadata({**document, **wanted})
    except registration.RegistrationRefused as refused:
        raise CIMDError(refused.description) from refused
    return {
        **document,
        **wanted,
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
    }


def _served(value: Any, served: tuple[str, ...]) -> Any:
    return [each for each in value if each in served] if isinstance(value, list) else value
