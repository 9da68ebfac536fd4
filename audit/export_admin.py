"""Exports in Django admin: the two actions of the log's list, and who made which."""

from __future__ import annotations

import json
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html

from audit.export import export_response, link_of
from audit.export_views import REFRESH_SECONDS, is_there
from audit.models import Export
from audit.querysets import ToolCallQuerySet
from audit.read_only import ReadOnlyAdmin
from cliqtel_portal.accounts.models import User
from cliqtel_portal.errors import PortalError


class FormatForm(ActionForm):
    format = forms.ChoiceField(choices=Export.Format.choices, required=False, label="Format:")


class ExportActions(ReadOnlyAdmin):
    """Of an admin of tool calls."""

    actions: Any = ("export_selected", "export_filtered")
    action_form = FormatForm

    @admin.action(description="Export selected", permissions=["view"])
    def export_selected(
        self, request: HttpRequest, calls: ToolCallQuerySet
    ) -> HttpResponseBase | None:
        try:
            return export_response(
                calls,
                file_format=request.POST.get("format", ""),
                actor=cast("User", request.user),
                tenant=None,
            )
        except PortalError as error:
            messages.error(request, error.message)
            return None

    @admin.action(description="Export filtered (all rows)", permissions=["view"])
    def export_filtered(
        self, request: HttpRequest, calls: ToolCallQuerySet
    ) -> HttpResponseBase | None:
        return self.export_selected(request, calls)

    def export_of_filter(self, request: HttpRequest) -> HttpResponse | None:
        """The answer to "Export filtered", None to any other request.

        Django itself refuses an action with no row selected, and cuts it to those that are.
        """
        asked = request.method == "POST" and request.POST.get("action") == "export_filtered"
        if not asked or not self.has_view_permission(request):
            return None
        changelist = self.get_changelist_instance(request)
        calls = cast("ToolCallQuerySet", changelist.get_queryset(request))
        # Django calls every answer of this page an HttpResponse; streams are answers too.
        return cast("HttpResponse | None", self.export_filtered(request, calls))


class ExportAdmin(ReadOnlyAdmin):
    """Staff see all, and get the files of their own."""

    list_display = ("created_at", "actor_label", "of", "format", "rows", "progress")
    list_filter = ("state", "format")
    search_fields = ("actor_label", "tenant_label")
    search_help_text = "Who exported, or the tenant's name."
    date_hierarchy = "created_at"
    ordering = ("-id",)
    fields = (
        "id",
        "created_at",
        ("actor_label", "actor_id"),
        "of",
        "filter_text",
        "before",
        "format",
        "progress",
        ("rows", "expected_rows"),
        "attempts",
        "finished_at",
        "expires_at",
    )

    def get_list_display(self, request: HttpRequest) -> Any:
        """A link is its reader's, so the column is made for each of them."""
        return (*self.list_display, self._file_of(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        mine = Export.objects.unfinished().filter(actor_id=request.user.pk)
        if mine.exists():
            response.headers["Refresh"] = str(REFRESH_SECONDS)
        return response

    @admin.display(description="of")
    def of(self, export: Export) -> str:
        return export.tenant_label or "all tenants"

    @admin.display(description="state", ordering="state")
    def progress(self, export: Export) -> str:
        words = [str(export.get_state_display())]
        if export.state == Export.State.RUNNING:
            words.append(f"about {export.percent} %")
        if export.size_bytes is not None:
            words.append(filesizeformat(export.size_bytes))
        if export.error:
            words.append(export.error)
        return ", ".join(words)

    @admin.display(description="filter")
    def filter_text(self, export: Export) -> str:
        text = json.dumps(export.criteria, indent=2, ensure_ascii=False)
        return format_html("<pre>{}</pre>", text)

    def _file_of(self, request: HttpRequest) -> Any:
        user = cast("User", request.user)

        @admin.display(description="file")
        def file(export: Export) -> str:
            if export.actor_id != user.pk or not is_there(export):
                return "-"
            return format_html('<a href="{}">Download</a>', link_of(export, user))

        return file
