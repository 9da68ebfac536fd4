from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from approvals.models import Approval, Decision, Policy, PolicyChange


class _ReadOnly:
    """Rows come from services; staff look."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class DecisionInline(_ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Decision
    extra = 0
    fields = ["at", "user", "verdict", "comment", "round", "with_password", "digest_seen"]


@admin.register(Approval)
class ApprovalAdmin(_ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["created_at", "tenant", "action", "title", "requester", "status", "decided_at"]
    list_filter = ["status", "action"]
    list_select_related = ["tenant", "requester"]
    search_fields = ["=id", "=call_id", "tenant__slug", "requester__email", "title"]
    search_help_text = "Id of the approval or its call, tenant, requester or words of the title."
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-id"]
    inlines = [DecisionInline]


@admin.register(Policy)
class PolicyAdmin(_ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["tenant", "action", "four_eyes_from", "always_four_eyes", "decider_role"]
    list_filter = ["action"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__slug", "action"]
    search_help_text = "Tenant or action."
    ordering = ["tenant__slug", "action"]


@admin.register(PolicyChange)
class PolicyChangeAdmin(_ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["at", "tenant", "action", "actor"]
    list_filter = ["action"]
    list_select_related = ["tenant", "actor"]
    search_fields = ["tenant__slug", "action", "actor__email"]
    search_help_text = "Tenant, action or who changed it."
    date_hierarchy = "at"
    ordering = ["-at", "-id"]
