"""Staff see that messages went and what they cost; what people wrote is not shown."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from cliqtel_portal.messaging.models import Message, MessagingLimit


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "tenant", "direction", "channel", "status", "segments", "created_at")
    list_filter = ("direction", "channel", "status")
    list_select_related = ("tenant",)
    date_hierarchy = "created_at"
    exclude = ("body",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False


@admin.register(MessagingLimit)
class MessagingLimitAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("tenant", "messages_per_day", "amount_per_day", "currency", "updated_at")
    list_select_related = ("tenant",)
    raw_id_fields = ("tenant",)
    search_fields = ("tenant__name", "tenant__slug")
    search_help_text = "Tenant"
    readonly_fields = ("created_at", "updated_at")
