"""The rows of an export, a page at a time by the key: any number of them in the same memory."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from audit.criteria import calls_matching
from audit.export_formats import COLUMNS, Row
from audit.models import Export
from audit.querysets import ToolCallQuerySet


def chosen_calls(export: Export) -> ToolCallQuerySet:
    """What the export is of. A tenant's holds calls of that tenant, whatever its filter says."""
    calls = calls_matching(export.criteria).filter(pk__lt=export.before)
    return calls if export.tenant_id is None else calls.for_tenant(export.tenant_id)


def read_page(calls: ToolCallQuerySet, *, after: uuid.UUID | None) -> list[Row]:
    """The newest rows older than `after`; fewer than EXPORT_PAGE_ROWS: there are no more."""
    rows: Any = calls.order_by("-id").values_list(*COLUMNS)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    return list(rows[: settings.EXPORT_PAGE_ROWS])


def read_pages(calls: ToolCallQuerySet) -> Iterator[list[Row]]:
    """All rows, newest first, each page in a transaction of its own that may take its time."""
    after: uuid.UUID | None = None
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            allow_statements(cursor, milliseconds=settings.EXPORT_STATEMENT_MS)
            rows = read_page(calls, after=after)
        if rows:
            yield rows
        if len(rows) < settings.EXPORT_PAGE_ROWS:
            return
        after = rows[-1][0]


def allow_statements(cursor: Any, *, milliseconds: int) -> None:
    """Until the transaction ends, a statement is cut off only after this long."""
    cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
