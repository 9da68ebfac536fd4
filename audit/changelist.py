"""The list of the log in Django admin, made for a table of any size.

Django counts the whole table, sorts it to find its first and last day, and filters days by a column
that no partition is pruned by. Here nothing does.
"""

from __future__ import annotations

import calendar
from datetime import date, datetime
from functools import cached_property
from typing import Any, cast

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format

from audit.chain_checks import last_check
from audit.partitions import months_held
from audit.querysets import ToolCallQuerySet
from cliqtel_portal.ids import first_uuid7_at

_HIERARCHY = ("started_at__year", "started_at__month", "started_at__day")


class EstimatingPaginator(Paginator):  # type: ignore[type-arg]
    """Counts exactly as far as that is cheap; beyond, the planner's estimate has to do."""

    exact_up_to = 10_000
    # Further pages would be read past (OFFSET); a narrower time gets there.
    max_pages = 200

    @cached_property
    def _counted(self) -> tuple[int, bool]:
        rows = cast("ToolCallQuerySet", self.object_list).order_by()
        exact = rows[: self.exact_up_to + 1].count()
        if exact <= self.exact_up_to:
            return exact, False
        return max(exact, rows.planned()), True

    @property
    def count(self) -> int:
        return self._counted[0]

    @property
    def is_estimate(self) -> bool:
        return self._counted[1]

    @property
    def num_pages(self) -> int:
        return min(super().num_pages, self.max_pages)


class ToolCallList(ChangeList):
    def get_filters(self, request: HttpRequest) -> Any:
        """A month or day is looked for by id: that reads its partition only."""
        specs, has_specs, found, duplicates, is_active = super().get_filters(request)
        lookups: dict[str, Any] = dict(found)
        for bound in ("gte", "lt"):
            moments = lookups.get(f"started_at__{bound}")
            if moments and isinstance(moments[0], datetime):
                del lookups[f"started_at__{bound}"]
                lookups[f"id__{bound}"] = [first_uuid7_at(moments[0])]
        return specs, has_specs, lookups, duplicates, is_active

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        calls = super().get_queryset(request, exclude_parameters)
        self.clear_all_filters_qs = "?"
        return calls.defer("arguments", "result")

    @cached_property
    def chain(self) -> tuple[bool | None, str]:
        """What the last verification found, None before the first; and that in words."""
        check = last_check()
        if check is None:
            return None, "Not verified yet."
        when = f"checked {timezone.localtime(check.checked_at):%Y-%m-%d %H:%M} UTC"
        if check.problem:
            return False, f"NOT in order: {check.problem} ({when})"
        if check.sealed_up_to is None:
            return None, f"Nothing is sealed yet ({when})."
        up_to = f"{timezone.localtime(check.sealed_up_to):%Y-%m-%d %H:%M}"
        return True, f"Verified up to seal #{check.last_seal:,} of {up_to} ({when})"

    @cached_property
    def dates(self) -> dict[str, Any]:
        """What admin/date_hierarchy.html shows: from the calendar, not from the rows."""
        today = timezone.now().date()
        year, month, day = (self.params.get(name, "") for name in _HIERARCHY)
        if not (year.isdecimal() and month.isdecimal()):
            with connection.cursor() as cursor:
                months = months_held(cursor, today)
            return {"back": None, "choices": [self._month(first) for first in months]}
        first = date(int(year), int(month), 1)
        if day.isdecimal():
            title = date_format(first.replace(day=int(day)), "MONTH_DAY_FORMAT")
            return {"back": self._month(first), "choices": [{"title": title}]}
        days = range(1, calendar.monthrange(first.year, first.month)[1] + 1)
        return {
            "back": {"link": self._link(), "title": "All months"},
            "choices": [
                {
                    "link": self._link(first.year, first.month, number),
                    "title": date_format(first.replace(day=number), "MONTH_DAY_FORMAT"),
                }
                for number in days
                if first.replace(day=number) <= today
            ],
        }

    def _month(self, first: date) -> dict[str, str]:
        return {
            "link": self._link(first.year, first.month),
            "title": date_format(first, "YEAR_MONTH_FORMAT"),
        }

    def _link(self, *chosen: int) -> str:
        return self.get_query_string(dict(zip(_HIERARCHY, chosen, strict=False)), ["started"])
