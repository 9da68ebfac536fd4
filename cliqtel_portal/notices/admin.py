from __future__ import annotations

from django.contrib import admin

from cliqtel_portal.notices.models import Event, Notice
from cliqtel_portal.staff_admin import EditedAdmin, ReadOnlyAdmin


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """To be read only: pages have shown them already."""

    list_display = ["id", "created_at", "tenant", "user", "kind"]
    list_filter = ["kind"]
    list_select_related = ["tenant", "user"]
    search_fields = ["kind", "tenant__slug", "user__email"]
    search_help_text = "Kind, tenant or user."
    date_hierarchy = "created_at"
    ordering = ["-id"]


@admin.register(Notice)
class NoticeAdmin(EditedAdmin):
    list_display = ["created_at", "tenant", "user", "level", "title", "read_at"]
    list_filter = ["level"]
    list_select_related = ["tenant", "user"]
    search_fields = ["title", "body", "tenant__slug", "user__email"]
    search_help_text = "Words of the notice, tenant or user."
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-id"]
    raw_id_fields = ["tenant", "user"]
    readonly_fields = ["created_at"]
