"""Staff see which clients registered, who allowed them and what they tried; never a secret.

The client is django-oauth-toolkit's own model, which it registers with the class that settings name
(APPLICATION_ADMIN_CLASS); the others are registered here, and mcp_access.admin imports this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from oauth2_provider.models import Application

from cliqtel_portal.accounts.models import User
from mcp_access.admin_lists import LedgerAdmin, StateFilter
from mcp_access.models import Consent, ConsumedCode, OAuthAttempt, RefreshToken
from mcp_access.oauth.sessions import live_refresh_tokens
from mcp_access.oauth.staff import end_clients_as_staff, end_consents_as_staff

# How many of the newest attempts are asked for their reasons: the table has no index of them.
_REASONS_OF = 10_000


class ApplicationAdmin(LedgerAdmin):
    list_display = (
        "shown_name",
        "registration_source",
        "live_sessions",
        "created",
        "redirects",
        "client_type",
        "client_id",
    )
    # The library's own page of a client is not routed here.
    view_on_site = False
    list_filter = ("registration_source", "client_type")
    search_fields = ("name", "client_id", "redirect_uris")
    search_help_text = "Name, client id or redirect URI."
    actions = ("revoke_sessions",)
    # Listed one by one: the model has the client's secret too.
    fields = (
        "shown_name",
        "client_id",
        "registration_source",
        "client_type",
        "redirects",
        "created",
        "updated",
        "cimd_expires_at",
        "live_sessions",
    )
    readonly_fields = ("shown_name", "redirects", "live_sessions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        live = (
            RefreshToken.objects.filter(live_refresh_tokens(), application=OuterRef("pk"))
            .order_by()
            .values("application")
            .annotate(families=Count("token_family", distinct=True))
            .values("families")
        )
        found: QuerySet[Any] = (
            super().get_queryset(request).annotate(live=Coalesce(Subquery(live), 0))
        )
        return found

    @admin.display(description="name (self-declared)", ordering="name")
    def shown_name(self, client: Application) -> str:
        return str(client.name) or "(none)"

    @admin.display(description="redirect URIs")
    def redirects(self, client: Application) -> str:
        return ", ".join(client.redirect_uris.split())

    @admin.display(description="live sessions", ordering="live")
    def live_sessions(self, client: Any) -> int:
        return int(client.live)

    @admin.action(description="Revoke all sessions of selected clients", permissions=["revoke"])
    def revoke_sessions(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        ended = end_clients_as_staff(cast("User", request.user), chosen)
        sessions = f"{ended} session{'' if ended == 1 else 's'}"
        clients = f"{len(chosen)} client{'' if len(chosen) == 1 else 's'}"
        level = messages.SUCCESS if ended else messages.WARNING
        self.message_user(request, f"Revoked {sessions} of {clients}.", level)


class ConsentStateFilter(StateFilter):
    states: ClassVar[dict[str, Callable[[], Q]]] = {
        "allowed": lambda: Q(revoked_at__isnull=True),
        "revoked": lambda: Q(revoked_at__isnull=False),
        "swept": lambda: Q(swept_at__isnull=False),
    }


class ConsentAdmin(LedgerAdmin):
    list_display = (
        "application",
        "tenant",
        "user",
        "scope",
        "first_at",
        "last_at",
        "revoked_at",
        "swept_at",
    )
    list_filter = (ConsentStateFilter,)
    list_select_related: ClassVar[Any] = ("tenant", "user", "application")
    search_fields = (
        "user__email",
        "tenant__name",
        "tenant__slug",
        "application__name",
        "application__client_id",
        "redirect_uri",
    )
    search_help_text = "User, tenant, app, client id or redirect URI."
    actions = ("revoke_selected",)
    fields = (
        "id",
        "tenant",
        "user",
        "application",
        "asked_scope",
        "scope",
        "redirect_uri",
        "first_at",
        "last_at",
        "revoked_at",
        "swept_at",
    )

    def view_on_site(self, obj: Consent) -> str:
        return reverse("mcp_access:app-detail", args=[obj.pk])

    @admin.action(description="Revoke selected, with all their sessions", permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        ended = end_consents_as_staff(cast("User", request.user), chosen)
        self._tell(request, ended=len(ended), chosen=len(chosen))


class ReasonFilter(admin.SimpleListFilter):
    title = "reason"
    parameter_name = "reason"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        newest = OAuthAttempt.objects.order_by("-id").values("id")[:_REASONS_OF]
        found = OAuthAttempt.objects.filter(pk__in=newest, ok=False).order_by("reason")
        return [(reason, reason) for reason in found.values_list("reason", flat=True).distinct()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


class OAuthAttemptAdmin(LedgerAdmin):
    list_display = (
        "at",
        "step",
        "ok",
        "reason",
        "times",
        "client_name",
        "address",
        "redirect_host",
        "tenant",
        "user",
        "client_id",
    )
    list_filter = ("step", "ok", ReasonFilter)
    list_select_related: ClassVar[Any] = ("tenant", "user")
    search_fields = ("client_id", "client_name", "address", "user__email", "tenant__slug")
    search_help_text = (
        "Client id or name, address, user, tenant. Every registration that was refused for what it "
        "said is here with its reason; those over the rate limit share a row, with how many times."
    )
    actions = None
    fields = (
        "id",
        "at",
        "step",
        "ok",
        "reason",
        "detail",
        "client_id",
        "client_name",
        "redirect_host",
        "tenant",
        "user",
        "address",
        "user_agent",
    )


class ConsumedCodeAdmin(LedgerAdmin):
    """Which codes were redeemed, and into which session; of the code there is a digest only."""

    list_display = ("consumed_at", "application", "token_family")
    list_display_links = None
    list_select_related: ClassVar[Any] = ("application",)
    ordering = ("-consumed_at",)
    date_hierarchy = "consumed_at"
    search_fields = ("=token_family", "application__name", "application__client_id")
    search_help_text = "Session, app or client id."
    actions = None
    fields = ("consumed_at", "application", "token_family")


admin.site.register(Consent, ConsentAdmin)
admin.site.register(ConsumedCode, ConsumedCodeAdmin)
admin.site.register(OAuthAttempt, OAuthAttemptAdmin)
