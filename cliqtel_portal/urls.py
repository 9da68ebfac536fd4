"""Composition root of the pages. `/mcp` is not here: cliqtel_portal.asgi hands it over before Django."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", include("cliqtel_portal.accounts.urls")),
    path("admin/", admin.site.urls),
]
