"""The last days of the log as a strip of bars above it: how many calls, how many went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from audit.daily import DayOfTool
from audit.query import CallQuery
from cliqtel_portal import formats

DAYS = 30
# Units of the drawing, which is stretched to the width of the page.
_STEP, _BAR, _HEIGHT = 20, 16, 48


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One day; `y` and heights as SVG writes them. `query` shows its calls."""

    label: str
    x: int
    calls: int
    errors: int
    y: str
    height: str
    error_y: str
    error_height: str
    query: str
    title: str
    is_chosen: bool


@dataclass(frozen=True, kw_only=True)
class Strip:
    """`calls` and `errors` are those of all its days."""

    bars: list[Bar]
    width: int
    height: int
    bar_width: int
    calls: int
    errors: int


def draw(rows: Sequence[DayOfTool], *, last: date, chosen: CallQuery) -> Strip | None:
    """Bars of the DAYS days up to `last`. Refused calls are errors here, as in the log's own list.

    None: there is nothing to draw.
    """
    days = [last - timedelta(days=gap) for gap in reversed(range(DAYS))]
    calls, errors = dict.fromkeys(days, 0), dict.fromkeys(days, 0)
    for row in rows:
        if row.day in calls:
            calls[row.day] += row.calls + row.refused
            errors[row.day] += row.errors + row.refused
    top = max(calls.values())
    if not top:
        return None
    return Strip(
        bars=[
            _bar(day, number, calls[day], errors[day], top, str(chosen))
            for number, day in enumerate(days)
        ],
        width=DAYS * _STEP,
        height=_HEIGHT,
        bar_width=_BAR,
        calls=sum(calls.values()),
        errors=sum(errors.values()),
    )


def _bar(day: date, number: int, calls: int, errors: int, top: int, chosen: str) -> Bar:
    height, bad = _HEIGHT * calls / top, _HEIGHT * errors / top
    if calls:
        height = max(height, 1.5)
    query = f"created:{day.isoformat()}"
    return Bar(
        label=formats.day(day),
        x=number * _STEP + (_STEP - _BAR) // 2,
        calls=calls,
        errors=errors,
        y=f"{_HEIGHT - height:.1f}",
        height=f"{height:.1f}",
        error_y=f"{_HEIGHT - bad:.1f}",
        error_height=f"{bad:.1f}",
        query=query,
        title=f"{formats.day(day)}: {formats.count(calls)} calls, {formats.count(errors)} errors",
        is_chosen=query == chosen,
    )
