"""No trailing slashes: these addresses are in other people's programs (contract.md)."""

from __future__ import annotations

from django.urls import path

from mcp_access.oauth import authorize, metadata, registration, views

urlpatterns = [
    path(".well-known/oauth-protected-resource", metadata.protected_resource),
    path(".well-known/oauth-protected-resource/mcp", metadata.protected_resource),
    path(".well-known/oauth-authorization-server", metadata.authorization_server),
    path("oauth/register", registration.register, name="oauth-register"),
    path("oauth/authorize", authorize.authorize, name="oauth-authorize"),
    path("oauth/token", views.token, name="oauth-token"),
    path("oauth/revoke", views.revoke, name="oauth-revoke"),
]
