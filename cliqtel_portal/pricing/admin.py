from __future__ import annotations

from django.contrib import admin

from cliqtel_portal.pricing.models import Price
from cliqtel_portal.staff_admin import EditedAdmin


@admin.register(Price)
class PriceAdmin(EditedAdmin):
    list_display = [
        "country",
        "number_type",
        "currency",
        "setup",
        "monthly",
        "effective_at",
        "valid_until",
    ]
    list_filter = ["number_type", "currency", "country"]
    search_fields = ["country"]
    search_help_text = "Country code of two letters, for example NL."
    date_hierarchy = "effective_at"
    ordering = ["country", "number_type", "-effective_at"]
    readonly_fields = ["created_at"]
