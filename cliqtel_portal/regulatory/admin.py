from __future__ import annotations

from django.contrib import admin
from django.db import models

from cliqtel_portal.regulatory.models import Document, Requirement, RequirementSet
from cliqtel_portal.staff_admin import EditedAdmin


class RequirementInline(admin.StackedInline):  # type: ignore[type-arg]
    model = Requirement
    extra = 0


@admin.register(RequirementSet)
class RequirementSetAdmin(EditedAdmin):
    list_display = ["country", "number_type", "action", "lead_time_days", "who_may_own"]
    list_filter = ["action", "number_type", "country"]
    search_fields = ["country", "requirements__name"]
    search_help_text = "Country code, or words of a requirement's name."
    ordering = ["country", "number_type", "action"]
    inlines = [RequirementInline]
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}


@admin.register(Document)
class DocumentAdmin(EditedAdmin):
    list_display = ["name", "tenant", "requirement_code", "country", "status", "expires_at"]
    list_filter = ["status", "kind", "country"]
    list_select_related = ["tenant"]
    search_fields = ["name", "requirement_code", "tenant__name", "tenant__slug"]
    search_help_text = "Name or code of the document, or its tenant."
    date_hierarchy = "created_at"
    raw_id_fields = ["tenant"]
    readonly_fields = ["created_at"]
