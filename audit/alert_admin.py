"""Staff look at alerts and at the outbox; addresses of webhooks are nobody's to see."""

from __future__ import annotations

from django.contrib import admin

from audit.models import Alert, SlackMessage
from audit.read_only import ReadOnlyAdmin


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("first_seen_at", "tenant", "rule", "severity", "token_label", "count", "state")
    list_filter = ("state", "rule", "severity")
    list_select_related = ("tenant",)
    search_fields = ("=id", "=token_id", "tenant__slug", "user_label")
    search_help_text = "Id of the alert or token, tenant or person."
    ordering = ("-id",)


@admin.register(SlackMessage)
class SlackMessageAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "to", "tenant", "text", "state", "attempts", "error")
    list_filter = ("state", "to")
    list_select_related = ("tenant",)
    search_fields = ("=id", "=alert__id", "tenant__slug")
    search_help_text = "Id of the message or its alert, or tenant."
    ordering = ("-id",)
