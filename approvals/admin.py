from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from approvals.expiry import expire_before_their_time
from approvals.models import Approval, Decision, Policy, PolicyChange
from cliqtel_portal.staff_admin import ReadOnlyAdmin, ReadOnlyInline


class DecisionInline(ReadOnlyInline):
    model = Decision
    fields = ["at", "user", "verdict", "comment", "round", "with_password", "digest_seen"]


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    """Staff see what was asked and how it went, and may end what waits; they decide nothing."""

    list_display = ["created_at", "tenant", "action", "title", "requester", "status", "decided_at"]
    list_filter = ["status", "action"]
    list_select_related = ["tenant", "requester"]
    search_fields = ["=id", "=call_id", "tenant__slug", "requester__email", "title"]
    search_help_text = "Id of the approval or its call, tenant, requester or words of the title."
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-id"]
    inlines = [DecisionInline]
    actions = ["expire_selected"]
    # Listed one by one: arguments may hold what somebody wrote to somebody.
    fields = [
        "id",
        "tenant",
        "status",
        "action",
        "title",
        "summary",
        "reason_text",
        ("requester", "client_label", "token_label"),
        ("token_id", "call_id", "artifact_id"),
        ("amount", "quote", "previous_quote", "requoted_at"),
        ("round", "digest"),
        ("created_at", "expires_at", "decided_at"),
        ("attempts", "due_at", "retry_message"),
        ("begun_at", "executed_at"),
        ("outcome", "error_code"),
    ]

    def view_on_site(self, obj: Approval) -> str:
        return reverse("approvals:detail", args=[obj.pk])

    def has_expire_permission(self, request: HttpRequest) -> bool:
        """Rows are edited by nobody: the right to change them is the right to end them."""
        return request.user.has_perm("approvals.change_approval")

    @admin.action(description="Expire selected (pending ones only)", permissions=["expire"])
    def expire_selected(self, request: HttpRequest, queryset: QuerySet[Approval]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        expired = expire_before_their_time(chosen)
        for approval in expired:
            self.log_change(request, approval, "Expired before its time.")
        self.message_user(
            request,
            f"Expired {len(expired)} of {len(chosen)} selected.",
            messages.SUCCESS if expired else messages.WARNING,
        )


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
