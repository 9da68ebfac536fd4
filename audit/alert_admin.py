"""Staff look at alerts and at the outbox; addresses of webhooks are nobody's to see."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from audit import slack_outbox
from audit.changelist import EstimatingPaginator
from audit.models import Alert, AlertWebhook, SeenNetwork, SlackMessage
from audit.read_only import ReadOnlyAdmin


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("first_seen_at", "tenant", "rule", "severity", "token_label", "count", "state")
    list_filter = ("state", "rule", "severity")
    list_select_related = ("tenant",)
    date_hierarchy = "first_seen_at"
    search_fields = ("=id", "=token_id", "tenant__slug", "tenant__name", "user_label")
    search_help_text = "Id of the alert or token, tenant or person."
    ordering = ("-id",)

    def view_on_site(self, obj: Alert) -> str:
        return reverse("mcp_access:alert-detail", args=[obj.pk])


@admin.register(SlackMessage)
class SlackMessageAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "to", "tenant", "text", "state", "attempts", "error")
    list_filter = ("state", "to")
    list_select_related = ("tenant",)
    date_hierarchy = "created_at"
    search_fields = ("=id", "=alert__id", "tenant__slug", "tenant__name")
    search_help_text = "Id of the message or its alert, or tenant."
    ordering = ("-id",)
    actions = ("send_again",)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Rows are edited by nobody: the right to change them is the right to send them again."""
        return request.user.has_perm("audit.change_slackmessage")

    @admin.action(description="Send again (failed ones only)", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[SlackMessage]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        again = slack_outbox.send_again(chosen)
        for message in again:
            self.log_change(request, message, "Sent again.")
        text = f"{len(again)} of {len(chosen)} selected will be sent again."
        self.message_user(request, text, messages.SUCCESS if again else messages.WARNING)


@admin.register(AlertWebhook)
class AlertWebhookAdmin(ReadOnlyAdmin):
    """Which tenants have one of their own, by its host and last characters."""

    list_display = ("tenant", "hint", "set_by", "set_at")
    list_select_related = ("tenant", "set_by")
    date_hierarchy = "set_at"
    search_fields = ("tenant__slug", "tenant__name", "set_by__email")
    search_help_text = "Tenant, or who set it."
    fields = ("tenant", "hint", "set_by", "set_at")
    ordering = ("-set_at",)


@admin.register(SeenNetwork)
class SeenNetworkAdmin(ReadOnlyAdmin):
    """Where tokens were used from: what “new network” alerts compare with."""

    list_display = ("network", "tenant_id", "subject", "first_seen_at", "last_seen_at")
    date_hierarchy = "last_seen_at"
    search_fields = ("=tenant_id", "subject", "network")
    search_help_text = "Tenant's id, token's id, or network."
    paginator = EstimatingPaginator
    ordering = ("-last_seen_at", "-id")
