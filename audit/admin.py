"""Staff read the log; nobody changes it, here or anywhere."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.utils import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from audit.changelist import EstimatingPaginator, ToolCallList
from audit.export_admin import ExportActions, ExportAdmin
from audit.filters import ErrorCodeFilter, ScopeFilter, StartedFilter, TenantFilter, ToolFilter
from audit.models import DailyUsage, Export, MonthlyUsage, ToolCall
from audit.query import BadQuery, is_query, parse_query
from audit.querysets import ToolCallQuerySet, as_uuid
from audit.read_only import ReadOnlyAdmin
from audit.record import UnknownKey
from audit.services import is_authentic
from cliqtel_portal.accounts.models import Tenant

admin.site.register(Export, ExportAdmin)


@admin.register(ToolCall)
class ToolCallAdmin(ExportActions):
    list_display = (
        "time",
        "status",
        "tool",
        "scope_required",
        "tenant_label",
        "user_label",
        "token_and_client",
        "duration",
        "address",
        "id",
    )
    list_display_links = ("time", "id")
    sortable_by = ("time",)
    list_filter = (
        StartedFilter,
        "status",
        ToolFilter,
        "counted",
        TenantFilter,
        ScopeFilter,
        ErrorCodeFilter,
    )
    date_hierarchy = "started_at"
    ordering = ("-id",)
    search_fields = (
        "user_label",
        "token_label",
        "client_label",
        "client_id",
        "tool",
        "tenant_label",
    )
    search_help_text = (
        "A call's UUID finds that call, whenever it was. Terms are those of the portal's Activity: "
        "status:error tool:send_message created:>=2026-11-01 (UTC). Other words are looked for in "
        "user, token, client, tool and tenant, within the time chosen."
    )
    paginator = EstimatingPaginator
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("id", "time", "status", "error_code", "duration", "tool")}),
        (
            "Who",
            {
                "fields": (
                    ("tenant_label", "tenant_id"),
                    ("user_label", "user_id"),
                    ("token_label", "token_id"),
                    ("client_label", "client_id"),
                    "address",
                    "protocol_version",
                )
            },
        ),
        ("What", {"fields": ("scope_required", "arguments_text", "argument_digest")}),
        ("Outcome", {"fields": ("result_text", "counted", "cost")}),
        ("Approval", {"fields": ("parent", "approval_id", ("actor_label", "actor_id"))}),
        ("Proof", {"fields": ("authenticity", "mac_key_id", "mac")}),
    )

    def view_on_site(self, obj: ToolCall) -> str:
        return reverse("mcp_access:call-detail", args=[obj.pk])

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ToolCallList]:
        return ToolCallList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST" and _bad_query(request.GET.get(SEARCH_VAR, "")):
            # The list names the term; an action on nothing would pass for one on what was meant.
            return HttpResponseRedirect(request.get_full_path())
        try:
            exported = self.export_of_filter(request)
            return exported or super().changelist_view(request, extra_context)
        except OperationalError:
            # The statement timeout: words looked for in years of calls.
            messages.error(request, "That took too long. Choose a shorter time.")
            return HttpResponseRedirect(request.path)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        call_id = as_uuid(search_term)
        if call_id is not None:
            return queryset.filter(pk=call_id), False
        if is_query(search_term):
            problem = _bad_query(search_term)
            if problem:
                messages.error(request, problem)
                return queryset.none(), False
            query = parse_query(search_term, zone=UTC, now=timezone.now())
            return query.narrow(cast("ToolCallQuerySet", queryset)), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description="time (UTC)", ordering="id")
    def time(self, call: ToolCall) -> str:
        return f"{timezone.localtime(call.started_at):%Y-%m-%d %H:%M:%S}"

    @admin.display(description="token / client")
    def token_and_client(self, call: ToolCall) -> str:
        return " / ".join(filter(None, [call.token_label, call.client_label])) or "-"

    @admin.display(description="duration")
    def duration(self, call: ToolCall) -> str:
        return "-" if call.duration_ms is None else f"{call.duration_ms:,} ms"

    @admin.display(description="arguments (redacted)")
    def arguments_text(self, call: ToolCall) -> str:
        return _as_text(call.arguments)

    @admin.display(description="result")
    def result_text(self, call: ToolCall) -> str:
        return "-" if call.result is None else _as_text(call.result)

    @admin.display(description="cost")
    def cost(self, call: ToolCall) -> str:
        return "-" if call.cost_amount is None else f"{call.cost_amount:f} {call.cost_currency}"

    @admin.display(description="drafted by the call")
    def parent(self, call: ToolCall) -> str:
        if call.parent_id is None:
            return "-"
        link = reverse("admin:audit_toolcall_change", args=[call.parent_id])
        return format_html('<a href="{}">{}</a>', link, call.parent_id)

    @admin.display(description="authentic")
    def authenticity(self, call: ToolCall) -> str:
        try:
            genuine = is_authentic(call)
        except UnknownKey:
            return f"Can't be told: the key {call.mac_key_id} is not in AUDIT_OLD_KEYS."
        return "Yes: the code fits." if genuine else "NO: this row was changed or slipped in."


class _WithTenant(ReadOnlyAdmin):
    """Of rows that have the tenant's id and no foreign key."""

    def get_queryset(self, request: HttpRequest) -> Any:
        name = Tenant.objects.filter(pk=OuterRef("tenant_id")).values("name")
        return super().get_queryset(request).annotate(tenant_name=Subquery(name))

    @admin.display(description="tenant", ordering="tenant_name")
    def tenant(self, usage: Any) -> str:
        return str(usage.tenant_name or usage.tenant_id)


@admin.register(MonthlyUsage)
class MonthlyUsageAdmin(_WithTenant):
    list_display = ("month", "tenant", "calls")
    fields = ("month", "tenant", "tenant_id", "calls")
    ordering = ("-month", "-calls", "id")
    date_hierarchy = "month"
    search_fields = ("tenant_name",)
    search_help_text = "The tenant's name."


def _bad_query(search_term: str) -> str:
    """What is wrong with the terms of a search; nothing, if it is none."""
    try:
        if is_query(search_term):
            parse_query(search_term, zone=UTC, now=timezone.now())
    except BadQuery as error:
        return error.message
    return ""


def _as_text(value: Any) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))


@admin.register(DailyUsage)
class DailyUsageAdmin(_WithTenant):
    list_display = ("day", "tenant", "tool", "calls", "errors", "refused")
    fields = ("day", ("tenant", "tenant_id"), "tool", "calls", "errors", "refused")
    ordering = ("-day", "-calls", "id")
    date_hierarchy = "day"
    search_fields = ("=tool", "tenant_name")
    search_help_text = "The tool's name, or the tenant's."
    paginator = EstimatingPaginator
