"""Staff see that messages went and what they cost; what people wrote is not shown."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse

from cliqtel_portal.messaging.models import (
    Message,
    MessageBatch,
    MessageTemplate,
    MessagingLimit,
    MessagingLimitChange,
    OptOut,
)
from cliqtel_portal.staff_admin import EditedAdmin, ReadOnlyAdmin


class _ReadOnly(ReadOnlyAdmin):
    """What services write, staff only look at."""

    list_select_related = ["tenant"]


@admin.register(Message)
class MessageAdmin(_ReadOnly):
    list_display = ("id", "tenant", "direction", "channel", "status", "segments", "created_at")
    list_filter = ("direction", "channel", "status")
    date_hierarchy = "created_at"
    search_fields = ("=id", "=batch__id", "tenant__name", "tenant__slug")
    search_help_text = "Id of the message or of its batch, or the tenant"
    exclude = ("body",)


@admin.register(MessageBatch)
class MessageBatchAdmin(_ReadOnly):
    list_display = ("id", "tenant", "state", "channel", "segments", "cost", "created_at")
    list_filter = ("state", "channel")
    date_hierarchy = "created_at"
    search_fields = ("=id", "tenant__name", "tenant__slug")
    search_help_text = "Id of the batch, or the tenant"
    exclude = ("body", "recipients", "opted_out")

    def view_on_site(self, obj: MessageBatch) -> str:
        return reverse("messaging:batch", args=[obj.pk])


@admin.register(MessagingLimitChange)
class MessagingLimitChangeAdmin(_ReadOnly):
    list_display = ("at", "tenant", "set_by", "messages_per_day", "amount_per_day", "currency")
    list_filter = ("currency",)
    list_select_related = ["tenant", "set_by"]
    date_hierarchy = "at"
    search_fields = ("tenant__name", "tenant__slug", "set_by__email")
    search_help_text = "Tenant, or who set it"


@admin.register(OptOut)
class OptOutAdmin(_ReadOnly):
    list_display = ("id", "tenant", "channel", "source", "since", "ended_at")
    list_filter = ("channel", "source", ("ended_at", admin.EmptyFieldListFilter))
    date_hierarchy = "since"
    search_fields = ("=id", "tenant__name", "tenant__slug")
    search_help_text = "Id, or the tenant"


@admin.register(MessageTemplate)
class MessageTemplateAdmin(EditedAdmin):
    """Staff approve what the network has approved."""

    list_display = ("name", "tenant", "channel", "status", "created_at")
    list_filter = ("status", "channel")
    list_select_related = ["tenant"]
    raw_id_fields = ("tenant",)
    search_fields = ("name", "tenant__name", "tenant__slug")
    search_help_text = "Name, or the tenant"
    readonly_fields = ("created_at",)
    date_hierarchy = "created_at"


@admin.register(MessagingLimit)
class MessagingLimitAdmin(_ReadOnly):
    """The tenant's own authorisation: its admins give it, on Settings, and are recorded."""

    list_display = ("tenant", "messages_per_day", "amount_per_day", "currency", "updated_at")
    list_filter = ("currency",)
    date_hierarchy = "updated_at"
    search_fields = ("tenant__name", "tenant__slug")
    search_help_text = "Tenant"
