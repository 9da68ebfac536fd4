from __future__ import annotations

from django.contrib import admin

from cliqtel_portal.billing.models import LedgerEntry, UsageStatement, UsageWarning
from cliqtel_portal.staff_admin import ReadOnlyAdmin


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    """To be read only: entries come from services, and none ever changes."""

    list_display = ["occurred_at", "tenant", "kind", "amount", "currency", "description"]
    list_filter = ["kind", "currency"]
    list_select_related = ["tenant"]
    search_fields = ["reference", "description", "tenant__name", "tenant__slug"]
    search_help_text = "Reference, words of the description, or the tenant."
    date_hierarchy = "occurred_at"
    ordering = ["-occurred_at", "-id"]


@admin.register(UsageStatement)
class UsageStatementAdmin(ReadOnlyAdmin):
    """To be read only: a month is closed once, by the beat."""

    list_display = ["month", "tenant", "tier", "calls", "overage_calls", "amount", "currency"]
    list_filter = ["tier"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__name", "tenant__slug"]
    search_help_text = "The tenant."
    date_hierarchy = "month"
    ordering = ["-month", "tenant__name"]


@admin.register(UsageWarning)
class UsageWarningAdmin(ReadOnlyAdmin):
    """Which tenants were told that their month's calls run out, or have."""

    list_display = ["month", "tenant", "percent", "warned_at"]
    list_filter = ["percent"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__name", "tenant__slug"]
    search_help_text = "The tenant."
    date_hierarchy = "month"
    ordering = ["-warned_at"]
