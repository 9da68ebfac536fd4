"""Weekly opening hours: the config field, and the ranges that lint and diff reason about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

from cliqtel_portal.callflows.config_fields import (
    ConfigValue,
    Field,
    Problems,
    join,
    refuse_unknown_keys,
    texts,
)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DASH = "\N{EN DASH}"


@dataclass(frozen=True, kw_only=True)
class OpenRange:
    """Open on each of `days` from `opens` until `closes`, local time, "HH:MM"."""

    days: tuple[str, ...]
    opens: str
    closes: str

    @property
    def days_shown(self) -> str:
        """`Mon, Tue`; three days in a row or more become a span."""
        parts: list[str] = []
        run: list[str] = []
        for day in (*DAYS, ""):
            if day in self.days:
                run.append(day.capitalize())
                continue
            parts += [f"{run[0]}{_DASH}{run[-1]}"] if len(run) > 2 else run
            run = []
        return ", ".join(parts)

    def __str__(self) -> str:
        return f"{self.days_shown} {self.opens}{_DASH}{self.closes}"


@dataclass(frozen=True, kw_only=True)
class Hours(Field):
    """Ranges of {days, from, to}, stored in week order. A night is two ranges."""

    max_items: int = 50

    @property
    def expects(self) -> str:
        return (
            f'a list of 1 to {self.max_items} ranges such as {{"days": ["mon", "tue"], '
            '"from": "09:00", "to": "17:00"}'
        )

    def read(self, value: object, path: str, problems: Problems) -> ConfigValue | None:
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= self.max_items:
            problems.add(path, f"must be {self.expects}")
            return None
        ranges: list[OpenRange] = []
        for index, entry in enumerate(value):
            opening = _read_range(entry, join(path, index), problems)
            if opening is not None:
                ranges.append(opening)
        if len(ranges) < len(value):
            return None
        ranges.sort(key=lambda each: (_week_order(each.days), each.opens, each.closes))
        return tuple(
            MappingProxyType({"days": each.days, "from": each.opens, "to": each.closes})
            for each in ranges
        )

    def show(self, value: ConfigValue) -> str:
        return "; ".join(str(each) for each in ranges_of(value))

    def show_change(self, old: ConfigValue | None, new: ConfigValue | None) -> str:
        """`closes 17:00 → 18:00` where only times moved, else the whole week before and after."""
        before, after = ranges_of(old), ranges_of(new)
        if [each.days for each in before] != [each.days for each in after]:
            return super().show_change(old, new)
        moved: list[str] = []
        for one, other in zip(before, after, strict=True):
            times = [f"opens {one.opens} → {other.opens}"] if one.opens != other.opens else []
            times += [f"closes {one.closes} → {other.closes}"] if one.closes != other.closes else []
            days = f"{one.days_shown} " if len(before) > 1 else ""
            moved += [f"{days}{' and '.join(times)}"] if times else []
        return ", ".join(moved)


def ranges_of(value: ConfigValue | None) -> tuple[OpenRange, ...]:
    """The ranges of a stored `hours` value; none if the key is absent."""
    entries = value if isinstance(value, tuple) else ()
    return tuple(
        OpenRange(days=texts(entry["days"]), opens=str(entry["from"]), closes=str(entry["to"]))
        for entry in entries
        if isinstance(entry, Mapping)
    )


def overlaps(ranges: Sequence[OpenRange]) -> list[tuple[str, OpenRange, OpenRange]]:
    """Each pair of ranges that share time, with the days on which they do."""
    found: list[tuple[str, OpenRange, OpenRange]] = []
    for one, other in combinations(ranges, 2):
        shared = tuple(day for day in DAYS if day in one.days and day in other.days)
        if shared and one.opens < other.closes and other.opens < one.closes:
            days = OpenRange(days=shared, opens=one.opens, closes=one.closes).days_shown
            found.append((days, one, other))
    return found


def _week_order(days: Iterable[str]) -> list[int]:
    return [DAYS.index(day) for day in days]


def _read_range(value: object, path: str, problems: Problems) -> OpenRange | None:
    if not isinstance(value, Mapping):
        problems.add(path, 'must be an object with "days", "from" and "to"')
        return None
    before = problems.count
    refuse_unknown_keys(value, ("days", "from", "to"), path, problems)
    given = value.get("days")
    named = given if isinstance(given, list | tuple) else ()
    days = tuple(day for day in DAYS if day in named)
    # Counting catches a name that is not a day as well as one that is listed twice.
    if not days or len(days) != len(named):
        problems.add(join(path, "days"), f"must list one or more of {', '.join(DAYS)}, each once")
    opens = _read_time(value.get("from"), join(path, "from"), problems)
    closes = _read_time(value.get("to"), join(path, "to"), problems, allow_midnight=True)
    if opens and closes and opens >= closes:
        problems.add(
            join(path, "to"),
            f"must be later than {opens}; split a range that passes midnight in two, "
            "the first one until 24:00",
        )
    if problems.count > before:
        return None
    return OpenRange(days=days, opens=opens, closes=closes)


def _read_time(
    value: object, path: str, problems: Problems, *, allow_midnight: bool = False
) -> str:
    pattern = r"([01][0-9]|2[0-3]):[0-5][0-9]" + (r"|24:00" if allow_midnight else "")
    if isinstance(value, str) and len(value) == 5 and re.fullmatch(pattern, value):
        return value
    last = "24:00" if allow_midnight else "23:59"
    problems.add(path, f"must be a time from 00:00 to {last} as HH:MM")
    return ""
