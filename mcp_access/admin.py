"""Staff see tokens and end them; never a secret, never an edit."""

from __future__ import annotations

from django.contrib import admin


class AccessTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "kind", "tenant", "user", "name", "last_four", "expires", "revoked_at")


class RefreshTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "tenant", "user", "application", "created", "revoked")


class GrantAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "tenant", "user", "application", "expires")
