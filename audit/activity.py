"""What the Activity page reads: a page of calls, and what its menus offer.

Nothing here counts, skips or sorts more rows than it shows, so that it costs the same in a log of
any length. Exports take the same calls: `query.narrow(ToolCall.objects.visible_to(actor))`.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from audit.models import ToolCall
from audit.query import CallQuery
from audit.querysets import ToolCallQuerySet
from cliqtel_portal.errors import PortalError

PER_PAGE = 50
# The newest calls, from which the menus are made, and the most that a menu holds.
_MENU_ROWS = 1_000
_MENU_SIZE = 15
_MENU_COLUMNS = {
    "tool": "tool",
    "code": "error_code",
    "user": "user_label",
    "token": "token_label",
    "client": "client_label",
}


class TooSlow(PortalError):
    code = "too_slow"
    retryable = True


@dataclass(frozen=True, kw_only=True)
class CallPage:
    """Newest first. `before` and `after` name the neighbouring pages, None where there is none."""

    calls: list[ToolCall]
    before: uuid.UUID | None
    after: uuid.UUID | None


def read_page(
    visible: ToolCallQuerySet,
    query: CallQuery,
    *,
    before: uuid.UUID | None = None,
    after: uuid.UUID | None = None,
) -> CallPage:
    """Of `visible`, what fits: the calls next older than `after`, or newer than `before`.

    Raises:
        TooSlow: what was asked for is so rare that years of calls had to be read.
    """
    is_backward = before is not None and after is None
    if after is not None:
        visible = visible.filter(pk__lt=after)
    elif before is not None:
        visible = visible.filter(pk__gt=before)
    order = "id" if is_backward else "-id"
    parts = [
        part.narrow(visible).defer("arguments", "result").order_by(order)[: PER_PAGE + 1]
        for part in query.parts()
    ]
    with _not_for_long():
        found = {call.pk: call for call in parts[0].union(*parts[1:], all=True)}
    nearest = sorted(found.values(), key=lambda call: call.pk, reverse=not is_backward)
    is_more = len(nearest) > PER_PAGE
    shown = nearest[:PER_PAGE]
    if is_backward:
        shown.reverse()
    if not shown:
        return CallPage(calls=[], before=None, after=None)
    is_newest = not is_more if is_backward else after is None
    is_oldest = not is_backward and not is_more
    return CallPage(
        calls=shown,
        before=None if is_newest else shown[0].pk,
        after=None if is_oldest else shown[-1].pk,
    )


def recent_values(calls: ToolCallQuerySet) -> Mapping[str, list[str]]:
    """For each key of a query, what occurs in the newest of `calls`, sorted."""
    newest = list(calls.order_by("-id").values_list(*_MENU_COLUMNS.values())[:_MENU_ROWS])
    found = {}
    for position, key in enumerate(_MENU_COLUMNS):
        # A query has no way to write a quotation mark.
        counted = Counter(v for row in newest if (v := row[position]) and '"' not in v)
        most = (value for value, _ in counted.most_common(_MENU_SIZE))
        found[key] = sorted(most, key=str.casefold)
    return found


@contextmanager
def _not_for_long() -> Iterator[None]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {settings.AUDIT_PAGE_TIMEOUT_MS:d}")
            yield
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise TooSlow("That took too long. Choose a shorter time, as in created:7d.") from error
