"""Lists of Django admin that grow by the hour: read, searched, acted on, never edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.db.models import Q
from django.http import HttpRequest

from audit.changelist import EstimatingPaginator
from cliqtel_portal.accounts.models import User
from cliqtel_portal.staff_admin import ReadOnlyAdmin


class StateFilter(admin.SimpleListFilter):
    """`states`: each with the rows that are in it, as a call, because the time moves on."""

    title = "state"
    parameter_name = "state"
    states: ClassVar[dict[str, Callable[[], Q]]]

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state.capitalize()) for state in self.states]

    def queryset(self, _request: HttpRequest, queryset: Any) -> Any:
        state = self.states.get(self.value() or "")
        return queryset if state is None else queryset.filter(state())


class LedgerAdmin(ReadOnlyAdmin):
    """Nothing counts the table whole, and nobody adds, changes or deletes, superusers included."""

    ordering = ("-id",)
    paginator = EstimatingPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Changing a row is nothing but this, so this is what the right to change it gives."""
        user = cast("User", request.user)
        return user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def _tell(self, request: HttpRequest, *, ended: int, chosen: int) -> None:
        text = f"Revoked {ended} of {chosen} selected."
        if ended < chosen:
            text += " The others had ended before."
        self.message_user(request, text, messages.SUCCESS if ended else messages.WARNING)
