"""The side bar of the log in Django admin. Nothing here may read the whole table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from audit.models import ToolCall
from audit.query import names_its_time
from audit.querysets import ToolCallQuerySet, as_uuid

_NONE = "none"


class StartedFilter(admin.SimpleListFilter):
    """The last 24 hours, unless another time, a month or one call is asked for."""

    title = "time"
    parameter_name = "started"
    default = "1"
    days: ClassVar[dict[str, int | None]] = {"1": 1, "7": 7, "30": 30, "all": None}

    def __init__(
        self,
        request: HttpRequest,
        params: dict[str, list[str]],
        model: type[Model],
        model_admin: Any,
    ) -> None:
        super().__init__(request, params, model, model_admin)
        asked = request.GET.get(SEARCH_VAR, "")
        asks_otherwise = "started_at__year" in params or as_uuid(asked) or names_its_time(asked)
        self._chosen = super().value() or ("" if asks_otherwise else self.default)
        if self._chosen and self._chosen not in self.days:
            raise IncorrectLookupParameters

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("1", "Last 24 hours"),
            ("7", "Last 7 days"),
            ("30", "Last 30 days"),
            ("all", "All"),
        ]

    def value(self) -> str:
        return self._chosen

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for value, title in self.lookup_choices:
            yield {
                "selected": value == self._chosen,
                "query_string": changelist.get_query_string(
                    {"started": value}, remove=["started_at__"]
                ),
                "display": title,
            }

    def queryset(self, _request: HttpRequest, queryset: Any) -> ToolCallQuerySet:
        calls: ToolCallQuerySet = queryset
        days = self.days[self._chosen] if self._chosen else None
        return calls if days is None else calls.since(timezone.now() - timedelta(days=days))


class _ColumnFilter(admin.SimpleListFilter):
    """Equality with a column. The value chosen is always among the choices."""

    column: str

    def __init__(
        self,
        request: HttpRequest,
        params: dict[str, list[str]],
        model: type[Model],
        model_admin: Any,
    ) -> None:
        super().__init__(request, params, model, model_admin)
        chosen = self.value()
        if chosen and chosen not in {str(value) for value, _ in self.lookup_choices}:
            self.lookup_choices.append((chosen, chosen))

    def queryset(self, _request: HttpRequest, queryset: Any) -> Any:
        chosen = self.value()
        if chosen is None:
            return queryset
        if "\x00" in chosen:  # PostgreSQL has no such text
            raise IncorrectLookupParameters
        return queryset.filter(**{self.column: "" if chosen == _NONE else chosen})


class ScopeFilter(_ColumnFilter):
    title = "scope required"
    parameter_name = "scope"
    column = "scope_required"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return [*((scope, scope) for scope in settings.MCP_SCOPES), (_NONE, "No scope")]


class ToolFilter(_ColumnFilter):
    """Offers what was called most of late; rare tools are found by the search."""

    title = "tool"
    parameter_name = "tool"
    column = "tool"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return sorted((tool, tool) for (tool,) in ToolCall.objects.frequent("tool"))


class ErrorCodeFilter(_ColumnFilter):
    title = "error code"
    parameter_name = "error_code"
    column = "error_code"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        errors = ToolCall.objects.filter(status=ToolCall.Status.ERROR)
        return sorted((code, code) for (code,) in errors.frequent("error_code"))


class TenantFilter(_ColumnFilter):
    """Offers who called most of late; the others are found by the search."""

    title = "tenant"
    parameter_name = "tenant"
    column = "tenant_id"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        frequent = ToolCall.objects.frequent("tenant_id", "tenant_label")
        names = {str(tenant_id): label for tenant_id, label in reversed(frequent)}
        return sorted(names.items(), key=lambda item: item[1].casefold())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        chosen = self.value()
        if chosen is not None and as_uuid(chosen) is None:
            raise IncorrectLookupParameters
        return super().queryset(request, queryset)
