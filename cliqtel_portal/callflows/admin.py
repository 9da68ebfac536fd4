"""Staff read flows and their history; flows change by publishing, never here."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse

from cliqtel_portal.callflows.models import CallFlow, Change, Revision
from cliqtel_portal.staff_admin import ReadOnlyAdmin


@admin.register(CallFlow)
class CallFlowAdmin(ReadOnlyAdmin):
    list_display = ("name", "tenant", "status", "active_revision", "updated_at")
    list_filter = ("status",)
    list_select_related = ("tenant", "active_revision")
    search_fields = ("name", "tenant__name", "tenant__slug")
    search_help_text = "Name or tenant"
    date_hierarchy = "updated_at"
    ordering = ("tenant__name", "name")

    def view_on_site(self, obj: CallFlow) -> str:
        return reverse("callflows:detail", args=[obj.pk])


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    list_display = (
        "call_flow",
        "number",
        "author_label",
        "author_kind",
        "approved_by_label",
        "created_at",
    )
    list_filter = ("author_kind",)
    list_select_related = ("call_flow",)
    search_fields = ("call_flow__name", "author_label", "etag")
    search_help_text = "Call flow, author or etag"
    date_hierarchy = "created_at"


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "tenant",
        "call_flow",
        "base_revision",
        "author_label",
        "status",
        "revision",
        "created_at",
    )
    list_filter = ("status", "author_kind")
    list_select_related = ("tenant", "call_flow", "base_revision", "revision")
    search_fields = ("call_flow__name", "tenant__slug", "author_label")
    search_help_text = "Call flow, tenant or author"
    date_hierarchy = "created_at"
