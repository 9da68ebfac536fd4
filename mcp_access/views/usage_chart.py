"""A month's calls as stacked bars, drawn on the server, and the same as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from audit.daily import DayOfTool
from cliqtel_portal import formats

# Units of the drawing, which is stretched to the width of the page.
_STEP, _BAR, _HEIGHT = 20, 16, 200
# As many as there are colours in static/css/usage.css; what is rarer comes together.
_MOST_TOOLS = 5
OTHER = "Other tools"


@dataclass(frozen=True, kw_only=True)
class Segment:
    """`y` and `height` as SVG writes them: templates would put a comma in some languages."""

    colour: int
    y: str
    height: str


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One day. `counts` are in the order of the chart's tools."""

    day: date
    x: int
    total: int
    errors: int
    refused: int
    counts: list[int]
    segments: list[Segment]
    title: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """`top` is what the full height stands for. `total` 0: nothing to draw."""

    tools: list[tuple[int, str, int]]
    bars: list[Bar]
    width: int
    height: int
    bar_width: int
    top: int
    total: int
    errors: int
    refused: int


def draw(rows: Sequence[DayOfTool], *, first: date, last: date) -> Chart:
    """Bars from `first` to `last`, both included, those without calls too."""
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row.tool] += row.calls
    # The unknown ones are nobody's tool: always among the others.
    ranked = [tool for tool, calls in totals.most_common() if tool and calls][:_MOST_TOOLS]
    rest = sum(calls for tool, calls in totals.items() if tool not in ranked)
    names = [*ranked, *([OTHER] if rest else [])]
    colours = [*range(1, len(ranked) + 1), _MOST_TOOLS + 1]
    days = [first + timedelta(days=gap) for gap in range((last - first).days + 1)]
    by_day: dict[date, list[DayOfTool]] = {day: [] for day in days}
    for row in rows:
        by_day.setdefault(row.day, []).append(row)
    top = _round_up(max((sum(row.calls for row in found) for found in by_day.values()), default=0))
    return Chart(
        tools=[
            (colour, name, rest if name == OTHER else totals[name])
            for colour, name in zip(colours, names, strict=False)
        ],
        bars=[
            _bar(day, by_day[day], number, names, colours, top) for number, day in enumerate(days)
        ],
        width=len(days) * _STEP,
        height=_HEIGHT,
        bar_width=_BAR,
        top=top,
        total=sum(totals.values()),
        errors=sum(row.errors for row in rows),
        refused=sum(row.refused for row in rows),
    )


def _bar(
    day: date,
    rows: Sequence[DayOfTool],
    number: int,
    names: Sequence[str],
    colours: Sequence[int],
    top: int,
) -> Bar:
    counts = Counter(dict.fromkeys(names, 0))
    for row in rows:
        counts[row.tool if row.tool in names else OTHER] += row.calls
    y = float(_HEIGHT)
    segments = []
    for colour, name in zip(colours, names, strict=False):
        height = counts[name] * _HEIGHT / top
        y -= height
        if height:
            segments.append(Segment(colour=colour, y=f"{y:.2f}", height=f"{height:.2f}"))
    total = sum(counts.values())
    parts = ", ".join(f"{name} {formats.count(counts[name])}" for name in names if counts[name])
    return Bar(
        day=day,
        x=number * _STEP + (_STEP - _BAR) // 2,
        total=total,
        errors=sum(row.errors for row in rows),
        refused=sum(row.refused for row in rows),
        counts=[counts[name] for name in names],
        segments=segments,
        title=f"{day:%-d %b}: {formats.count(total)} calls" + (f" ({parts})" if parts else ""),
    )


def _round_up(value: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50, …: what an axis ends with."""
    size = 1
    while True:
        for step in (1, 2, 5):
            if step * size >= value:
                return step * size
        size *= 10
