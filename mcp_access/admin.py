"""Staff see tokens and end them; never a secret, never an edit.

django-oauth-toolkit registers these (settings, `*_ADMIN_CLASS`). Fields are listed one by one: its
own lists would show the digests of tokens and codes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from audit.querysets import as_uuid
from cliqtel_portal.accounts.models import User
from mcp_access.admin_lists import LedgerAdmin, StateFilter
from mcp_access.ending import revoke_access_tokens_as_staff, revoke_refresh_tokens_as_staff
from mcp_access.models import AccessToken, DoctorWatch, ExpiryWarning, IdempotentCall
from mcp_access.oauth import admin as _  # noqa: F401 - consents and attempts register there


class AccessTokenStateFilter(StateFilter):
    states: ClassVar[dict[str, Callable[[], Q]]] = {
        "live": lambda: Q(revoked_at__isnull=True, expires__gt=timezone.now()),
        "expired": lambda: Q(revoked_at__isnull=True, expires__lte=timezone.now()),
        "revoked": lambda: Q(revoked_at__isnull=False),
    }


class RefreshTokenStateFilter(StateFilter):
    states: ClassVar[dict[str, Callable[[], Q]]] = {
        "unused": lambda: Q(revoked__isnull=True),
        "used or revoked": lambda: Q(revoked__isnull=False),
    }


class GrantStateFilter(StateFilter):
    states: ClassVar[dict[str, Callable[[], Q]]] = {
        "live": lambda: Q(expires__gt=timezone.now()),
        "expired": lambda: Q(expires__lte=timezone.now()),
    }


class CredentialAdmin(LedgerAdmin):
    """Ids are UUIDv7, so the newest stand first, and one is found by it."""

    list_select_related: ClassVar[Any] = ("tenant", "user", "application")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        token_id = as_uuid(search_term)
        if token_id is not None:
            return queryset.filter(pk=token_id), False
        return super().get_search_results(request, queryset, search_term)


class AccessTokenAdmin(CredentialAdmin):
    list_display = (
        "id",
        "kind",
        "tenant",
        "user",
        "name",
        "masked",
        "application",
        "token_state",
        "expires",
        "last_used_at",
    )
    list_filter = ("kind", AccessTokenStateFilter)
    search_fields = (
        "name",
        "last_four",
        "user__email",
        "tenant__name",
        "tenant__slug",
        "application__name",
    )
    search_help_text = "The token's UUID, name or last four; user, tenant or app."
    actions = ("revoke_selected",)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("id", "kind", "name", "masked", "note", "token_state")}),
        ("Whose", {"fields": ("tenant", "user", "application", "created_by")}),
        (
            "What it may",
            {"fields": ("scope", "resource", "allowed_cidrs", "burst_per_minute")},
        ),
        (
            "When",
            {
                "fields": (
                    "created",
                    "not_before",
                    "expires",
                    "revoked_at",
                    "revoked_by",
                    "replaced_by",
                )
            },
        ),
        (
            "Last use",
            {
                "fields": (
                    "last_used_at",
                    "last_used_address",
                    "last_used_tool",
                    "last_used_client",
                )
            },
        ),
    )

    def get_view_on_site_url(self, obj: AccessToken | None = None) -> str | None:
        """Of a session's token it is the app's page, which the consent has."""
        if obj is None or obj.kind != AccessToken.Kind.STATIC:
            return None
        return reverse("mcp_access:token-detail", args=[obj.pk])

    @admin.display(description="state", ordering="expires")
    def token_state(self, token: AccessToken) -> str:
        return token.state

    @admin.action(description="Revoke selected (OAuth: with the session)", permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        ended = revoke_access_tokens_as_staff(cast("User", request.user), chosen)
        self._tell(request, ended=len(ended), chosen=len(chosen))


class RefreshTokenAdmin(CredentialAdmin):
    list_display = (
        "id",
        "tenant",
        "user",
        "application",
        "token_family",
        "created",
        "expires_at",
        "revoked",
    )
    list_filter = (RefreshTokenStateFilter,)
    search_fields = ("user__email", "tenant__name", "tenant__slug", "application__name")
    search_help_text = "The token's UUID; user, tenant or app."
    actions = ("revoke_selected",)
    fields = (
        "id",
        "tenant",
        "user",
        "application",
        "token_family",
        "access_token",
        "scope",
        "resource",
        "created",
        "expires_at",
        "revoked",
    )

    @admin.action(description="Revoke selected, with the whole session", permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        ended = revoke_refresh_tokens_as_staff(cast("User", request.user), chosen)
        self._tell(request, ended=len(ended), chosen=len(chosen))


class IDTokenAdmin(LedgerAdmin):
    """The portal gives none."""

    def has_module_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_view_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False


class GrantAdmin(CredentialAdmin):
    """Authorization codes: alive for seconds, so there is nothing to revoke."""

    list_display = ("id", "tenant", "user", "application", "created", "expires")
    list_filter = (GrantStateFilter,)
    search_fields = ("user__email", "tenant__name", "tenant__slug", "application__name")
    search_help_text = "The grant's UUID; user, tenant or app."
    actions = None
    fields = (
        "id",
        "tenant",
        "user",
        "application",
        "scope",
        "resource",
        "redirect_uri",
        "created",
        "expires",
    )


@admin.register(IdempotentCall)
class IdempotentCallAdmin(LedgerAdmin):
    """Which calls would be answered from memory if they came again; not with what."""

    list_display = ("created_at", "tenant", "tool", "holder", "key", "approval_id")
    list_filter = ("tool",)
    list_select_related: ClassVar[Any] = ("tenant",)
    date_hierarchy = "created_at"
    search_fields = ("=key", "=approval_id", "holder", "tenant__name", "tenant__slug")
    search_help_text = "The key, the approval's or token's id, or the tenant."
    actions = None
    fields = ("id", "tenant", "tool", "holder", "key", "approval_id", "created_at")


@admin.register(ExpiryWarning)
class ExpiryWarningAdmin(LedgerAdmin):
    """Which people were told that a token of theirs ends, and when the mail went."""

    list_display = ("warned_at", "token", "days", "mailed_at", "attempts")
    list_filter = ("days", ("mailed_at", admin.EmptyFieldListFilter))
    list_select_related: ClassVar[Any] = ("token",)
    date_hierarchy = "warned_at"
    search_fields = ("=token__id", "token__user__email", "token__name")
    search_help_text = "The token's UUID or name, or its person."
    actions = None


@admin.register(DoctorWatch)
class DoctorWatchAdmin(LedgerAdmin):
    """Who watched what came from their own address, and when."""

    list_display = ("started_at", "tenant", "user", "address", "ends_at")
    list_select_related: ClassVar[Any] = ("tenant", "user")
    date_hierarchy = "started_at"
    search_fields = ("user__email", "tenant__name", "tenant__slug", "=address")
    search_help_text = "Person, tenant or address."
    actions = None
