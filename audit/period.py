"""`created:` of a query: days and minutes as people write them, as a span of time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_FORMS = (
    "write a day as in 2026-11-01 or a minute as in 2026-11-01T09:30, with >=, >, <= or < before"
    " it, or two with .. between; or today, 24h, 7d"
)
_COMPARED = re.compile(r"(>=|<=|>|<|=|)(.*)")
_BACK = re.compile(r"([1-9][0-9]{0,3})([hd])")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z?")
# Ids hold no time before 1970, and no call was or will be outside of these.
_YEARS = range(2000, 2200)


@dataclass(frozen=True, kw_only=True)
class Period:
    """From `since` on, before `until`; None is no bound."""

    since: datetime | None = None
    until: datetime | None = None

    def __and__(self, other: Period) -> Period:
        return Period(
            since=max(filter(None, (self.since, other.since)), default=None),
            until=min(filter(None, (self.until, other.until)), default=None),
        )


EVER = Period()


def read_period(text: str, *, zone: tzinfo, now: datetime) -> Period:
    """Days and minutes are those of `zone`; with a final Z, of UTC.

    Raises:
        ValueError: it is none of the forms; says which there are.
    """
    if text == "today":
        return _span(f"{now.astimezone(zone):%Y-%m-%d}", zone)
    if back := _BACK.fullmatch(text):
        hours = int(back[1]) * (24 if back[2] == "d" else 1)
        return Period(since=now - timedelta(hours=hours))
    if ".." in text:
        first, _, last = text.partition("..")
        return Period(since=_span(first, zone).since, until=_span(last, zone).until)
    match = _COMPARED.fullmatch(text)
    if match is None:
        raise ValueError(_FORMS)
    sign, span = match[1], _span(match[2], zone)
    return {
        ">=": Period(since=span.since),
        ">": Period(since=span.until),
        "<=": Period(until=span.until),
        "<": Period(until=span.since),
    }.get(sign, span)


def _span(text: str, zone: tzinfo) -> Period:
    """The day, or the minute, that `text` names."""
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            start = datetime.combine(day, time(), zone)
            # Not 24 hours later: days on which clocks change are longer or shorter.
            end = datetime.combine(day + timedelta(days=1), time(), zone)
        elif _MINUTE.fullmatch(text):
            start = datetime.fromisoformat(text)
            start = start if start.tzinfo else start.replace(tzinfo=zone)
            start = start.astimezone(UTC)
            end = start + timedelta(minutes=1)
        else:
            raise ValueError(_FORMS)
    except (ValueError, OverflowError) as error:
        raise ValueError(_FORMS) from error
    if start.year not in _YEARS:
        raise ValueError(f"the year must be in {_YEARS.start} to {_YEARS.stop - 1}")
    return Period(since=start.astimezone(UTC), until=end.astimezone(UTC))
