"""What a token was used for lately: a small chart, and the scopes that it needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from django.conf import settings
from django.utils import timezone

from audit import daily
from mcp_access.models import AccessToken
from mcp_access.tools import registry

# Units of the drawing, which is stretched to the width of its card.
_STEP, _BAR, _HEIGHT = 10, 8, 40
_CHART_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class UsedDay:
    """A day and its bar: `height` is of the calls, `bad` of those with an error, as SVG writes."""

    day: date
    x: int
    calls: int
    errors: int
    refused: int
    y: str
    height: str
    bad_y: str
    bad: str


@dataclass(frozen=True, kw_only=True)
class TokenUse:
    """`days` are the chart's; `calls_of`, the calls by scope, look back as far as `window_days`.

    `is_unused`: live for all of that time and never called. `may_trim`: it was used, long enough
    to tell, and some of its scopes were not.
    """

    days: list[UsedDay]
    width: int
    height: int
    calls: int
    errors: int
    window_days: int
    calls_of: dict[str, int]
    is_unused: bool
    may_trim: bool

    @property
    def used_scopes(self) -> list[str]:
        return [scope for scope, calls in self.calls_of.items() if calls]


def use_of(token: AccessToken) -> TokenUse:
    """Costs one query. The day that goes on is counted up to some minutes ago."""
    now = timezone.now()
    today = now.astimezone(UTC).date()
    window = settings.TOKEN_UNUSED_DAYS
    rows = daily.days_of(
        token.tenant_id, daily.Source(id=token.pk), since=today - timedelta(days=window)
    )
    first = today - timedelta(days=_CHART_DAYS - 1)
    charted = [row for row in rows if row.day >= first]
    needed = _calls_by_scope(rows)
    calls_of = {scope: needed[scope] for scope in token.scope.split()}
    used = sum(1 for calls in calls_of.values() if calls)
    is_old = token.created <= now - timedelta(days=settings.TOKEN_TRIM_AFTER_DAYS)
    return TokenUse(
        days=_bars(charted, first, today),
        width=_CHART_DAYS * _STEP,
        height=_HEIGHT,
        calls=sum(row.calls for row in charted),
        errors=sum(row.errors for row in charted),
        window_days=window,
        calls_of=calls_of,
        is_unused=is_unused(token),
        may_trim=is_old and 0 < used < len(calls_of),
    )


def is_unused(token: AccessToken) -> bool:
    """Whether it works, and nothing has called with it for TOKEN_UNUSED_DAYS."""
    before = timezone.now() - timedelta(days=settings.TOKEN_UNUSED_DAYS)
    starts = max(token.created, token.not_before or token.created)
    works = token.state in {"active", "expiring"} and token.replaced_by_id is None
    return works and (token.last_used_at or starts) < before


def _calls_by_scope(rows: Sequence[daily.DayOfTool]) -> Counter[str]:
    needed: Counter[str] = Counter()
    for row in rows:
        tool = registry.get(row.tool)
        if tool is not None and tool.scope is not None:
            needed[tool.scope] += row.calls
    return needed


def _bars(rows: Sequence[daily.DayOfTool], first: date, last: date) -> list[UsedDay]:
    calls: Counter[date] = Counter()
    errors: Counter[date] = Counter()
    refused: Counter[date] = Counter()
    for row in rows:
        calls[row.day] += row.calls
        errors[row.day] += row.errors
        refused[row.day] += row.refused
    top = max(calls.values(), default=0) or 1
    bars = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        height, bad = calls[day] * _HEIGHT / top, errors[day] * _HEIGHT / top
        bars.append(
            UsedDay(
                day=day,
                x=number * _STEP + (_STEP - _BAR) // 2,
                calls=calls[day],
                errors=errors[day],
                refused=refused[day],
                y=f"{_HEIGHT - height:.2f}",
                height=f"{height:.2f}",
                bad_y=f"{_HEIGHT - bad:.2f}",
                bad=f"{bad:.2f}",
            )
        )
    return bars
