"""The list of a tenant's numbers, page by page, in an order of one's choice.

Every order ends with the number and its id, so it is total; each has an index.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q

from cliqtel_portal.number_types import Capability
from cliqtel_portal.numbers.models import RENEWAL, PhoneNumber
from cliqtel_portal.numbers.querysets import PhoneNumberQuerySet

_PER_PAGE = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"(?:([a-z0-9.]{1,24})_)?(\+[1-9][0-9]{6,14})\.([0-9a-f-]{36})")


@dataclass(frozen=True, kw_only=True)
class Row:
    number: PhoneNumber
    capabilities: str
    is_ticked: bool


@dataclass(frozen=True, kw_only=True)
class Page:
    """`before` and `after` are cursors of the neighbouring pages, "" where there is none."""

    rows: list[Row]
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class _Key:
    """What is compared first: how its value stands in a cursor, and how it is read from there."""

    field: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]


def _read_status(text: str) -> str:
    return PhoneNumber.Status(text).value


def _read_price(text: str) -> Decimal:
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) is None:
        raise ValueError(text)
    return Decimal(text)


def _write_moment(at: datetime) -> str:
    return str((at - _EPOCH) // timedelta(microseconds=1))


def _read_moment(text: str) -> datetime:
    return _EPOCH + timedelta(microseconds=int(text))


_KEYS = {
    "number": None,
    "status": _Key(field="status", write=str, read=_read_status),
    "monthly": _Key(field="monthly_price", write=str, read=_read_price),
    "renews": _Key(field="renewal", write=_write_moment, read=_read_moment),
}


@dataclass(frozen=True, kw_only=True)
class Sort:
    """By what, and whether the greatest comes first."""

    name: str
    is_falling: bool

    @classmethod
    def of(cls, text: str) -> Sort:
        """ "-monthly" is the dearest first; what is no order of ours is the usual one."""
        name = text.removeprefix("-")
        if name not in _KEYS:
            return cls(name="number", is_falling=False)
        return cls(name=name, is_falling=text.startswith("-"))

    @property
    def columns(self) -> dict[str, dict[str, str]]:
        """Of each column that one can sort by: what a click asks for, and how it is now sorted."""
        found = {}
        for name in _KEYS:
            is_this = name == self.name
            found[name] = {
                "link": f"-{name}" if is_this and not self.is_falling else name,
                "now": ("descending" if self.is_falling else "ascending") if is_this else "",
            }
        return found


def read_page(
    found: PhoneNumberQuerySet,
    sort: Sort,
    *,
    after: str = "",
    before: str = "",
    ticked: Collection[str] = (),
) -> Page:
    """The numbers after or before a cursor, or the first; a cursor that isn't ours is ignored."""
    key = _KEYS[sort.name]
    start = _parsed(after, key)
    end = None if start else _parsed(before, key)
    # Backwards is the same walk in the other direction, turned round at the end.
    is_rising = sort.is_falling is (end is not None)
    if sort.name == "renews":
        found = found.annotate(renewal=RENEWAL)
    fields = [*([key.field] if key else []), "e164", "id"]
    if anchor := start or end:
        found = found.filter(_beyond(list(zip(fields, anchor, strict=True)), is_rising=is_rising))
    order = fields if is_rising else [f"-{field}" for field in fields]
    read = list(found.select_related("trunk", "call_flow").order_by(*order)[: _PER_PAGE + 1])
    is_more = len(read) > _PER_PAGE
    shown = read[:_PER_PAGE]
    if end:
        shown.reverse()
    return Page(
        rows=[
            Row(
                number=number,
                capabilities=capability_words(number.capabilities),
                is_ticked=str(number.pk) in ticked,
            )
            for number in shown
        ],
        before=_name(shown[0], key) if shown and (is_more if end else start) else "",
        after=_name(shown[-1], key) if shown and (is_more or end) else "",
    )


def capability_words(capabilities: Iterable[str]) -> str:
    """“Voice, SMS”: always in the same order."""
    held = set(capabilities)
    return ", ".join(str(one.label) for one in Capability if one.value in held)


def _beyond(places: list[tuple[str, Any]], *, is_rising: bool) -> Q:
    """A comparison of rows. A row value would do, but Django has none: what stands first lets the
    index in.
    """
    side = "gt" if is_rising else "lt"
    (field, value), *rest = places
    further = Q(**{f"{field}__{side}": value})
    if not rest:
        return further
    return Q(**{f"{field}__{side}e": value}) & (further | _beyond(rest, is_rising=is_rising))


def _name(number: PhoneNumber, key: _Key | None) -> str:
    place = f"{number.e164}.{number.id}"
    return f"{key.write(getattr(number, key.field))}_{place}" if key else place


def _parsed(text: str, key: _Key | None) -> tuple[Any, ...] | None:
    match = _CURSOR.fullmatch(text)
    # A cursor of another order means nothing in this one.
    if match is None or (match[1] is None) is not (key is None):
        return None
    try:
        first = (key.read(match[1]),) if key else ()
        return (*first, match[2], uuid.UUID(match[3]))
    except (ValueError, OverflowError):
        return None
