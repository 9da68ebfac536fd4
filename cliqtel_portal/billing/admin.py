from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from cliqtel_portal.billing.models import LedgerEntry


@admin.register(LedgerEntry)
class LedgerEntryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """To be read only: entries come from services, and none ever changes."""

    list_display = ["occurred_at", "tenant", "kind", "amount", "currency", "description"]
    list_filter = ["kind", "currency"]
    list_select_related = ["tenant"]
    search_fields = ["reference", "description", "tenant__name", "tenant__slug"]
    search_help_text = "Reference, words of the description, or the tenant."
    date_hierarchy = "occurred_at"
    ordering = ["-occurred_at", "-id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: LedgerEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: LedgerEntry | None = None) -> bool:
        return False
