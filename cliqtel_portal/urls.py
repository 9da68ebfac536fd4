"""Composition root of the pages; cliqtel_portal.asgi hands `/mcp` over before Django."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", include("cliqtel_portal.accounts.urls")),
    path("admin/", admin.site.urls),
]
