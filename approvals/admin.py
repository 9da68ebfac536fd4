from __future__ import annotations

from django.contrib import admin

from approvals.models import Approval, Decision, Policy, PolicyChange
from cliqtel_portal.staff_admin import ReadOnlyAdmin, ReadOnlyInline


class DecisionInline(ReadOnlyInline):
    model = Decision
    fields = ["at", "user", "verdict", "comment", "round", "with_password", "digest_seen"]


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "tenant", "action", "title", "requester", "status", "decided_at"]
    list_filter = ["status", "action"]
    list_select_related = ["tenant", "requester"]
    search_fields = ["=id", "=call_id", "tenant__slug", "requester__email", "title"]
    search_help_text = "Id of the approval or its call, tenant, requester or words of the title."
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-id"]
    inlines = [DecisionInline]


@admin.register(Policy)
class PolicyAdmin(ReadOnlyAdmin):
    list_display = ["tenant", "action", "four_eyes_from", "always_four_eyes", "decider_role"]
    list_filter = ["action"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__slug", "action"]
    search_help_text = "Tenant or action."
    ordering = ["tenant__slug", "action"]


@admin.register(PolicyChange)
class PolicyChangeAdmin(ReadOnlyAdmin):
    list_display = ["at", "tenant", "action", "actor"]
    list_filter = ["action"]
    list_select_related = ["tenant", "actor"]
    search_fields = ["tenant__slug", "action", "actor__email"]
    search_help_text = "Tenant, action or who changed it."
    date_hierarchy = "at"
    ordering = ["-at", "-id"]
