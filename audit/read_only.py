"""What every list of the log in Django admin has in common: it is read, and never counted whole."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from cliqtel_portal import staff_admin


class ReadOnlyAdmin(staff_admin.ReadOnlyAdmin):
    actions: Any = None
    # Either would count the whole table.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
