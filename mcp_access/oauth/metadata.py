"""Discovery: RFC 9728 for the resource, RFC 8414 for the authorization server.

Everything is from settings, nothing from the request: a forged Host header must not point a host
at another server.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from oauth2_provider.settings import oauth2_settings

from mcp_access.oauth.scopes_backend import OFFLINE_ACCESS

_MAX_AGE_SECONDS = 3600


@csrf_exempt
@require_http_methods(["GET", "HEAD", "OPTIONS"])
def protected_resource(request: HttpRequest) -> HttpResponse:
    return _document(
        {
            "resource": settings.MCP_RESOURCE_URL,
            "authorization_servers": [settings.OAUTH_ISSUER],
            "scopes_supported": list(settings.MCP_SCOPES),
            "bearer_methods_supported": ["header"],
            "resource_name": "Cliqtel AI Access",
            "resource_documentation": f"{settings.OAUTH_ISSUER}/docs/",
        }
    )


@csrf_exempt
@require_http_methods(["GET", "HEAD", "OPTIONS"])
def authorization_server(request: HttpRequest) -> HttpResponse:
    issuer = settings.OAUTH_ISSUER
    methods = ["none", "client_secret_post", "client_secret_basic"]
    return _document(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "token_endpoint": f"{issuer}/oauth/token",
            "registration_endpoint": f"{issuer}/oauth/register",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "authorization_response_iss_parameter_supported": True,
            "client_id_metadata_document_supported": oauth2_settings.CIMD_ENABLED,
            "scopes_supported": [*settings.MCP_SCOPES, OFFLINE_ACCESS],
            "service_documentation": f"{issuer}/docs/",
            "protected_resources": [settings.MCP_RESOURCE_URL],
        }
    )


def _document(content: dict[str, Any]) -> JsonResponse:
    return JsonResponse(content, headers={"Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}"})
