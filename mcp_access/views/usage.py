"""What a tenant uses of its plan, what that costs, and by which tools and tokens."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from audit import daily
from audit.services import month_bounds, usage_of
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.billing.models import UsageStatement
from cliqtel_portal.money import Money
from mcp_access.connections import count_connections
from mcp_access.limits import TenantLimits, limits_of, overage_price
from mcp_access.months import beyond_the_month
from mcp_access.views import usage_chart, usage_sources
from mcp_access.views.meters import Meter

_STATEMENTS = 12
_SOURCES = 20


@dataclass(frozen=True, kw_only=True)
class Overage:
    """What the month's calls beyond the included ones cost: so far, and at its end at this pace.

    `forecast` is None in the first day, of which nothing can be told.
    """

    price: Money
    calls: int
    so_far: Money
    forecast: Money | None
    forecast_calls: int | None


@dataclass(frozen=True, kw_only=True)
class _Period:
    """The month that is asked for, and its neighbours that there may be something of."""

    first: date
    last: date
    earlier: date | None
    later: date | None


@require_safe
@portal_view(may_use_ai_access)
def usage(request: PortalRequest) -> HttpResponse:
    tenant = request.tenant
    now = timezone.now()
    period = _period(request, now)
    limits = limits_of(tenant)
    visible = usage_sources.visible_sources(request.membership, limits)
    chosen = _chosen(request, visible)
    used = usage_of(tenant.pk)
    minute = daily.calls_of_last_minute(tenant.pk, now=now)
    month = daily.sources_of(tenant.pk, period.first)
    busiest = usage_sources.busiest(visible, minute)
    rows = usage_sources.source_rows(visible, month, minute)
    return render(
        request,
        "mcp_access/usage.html",
        {
            "limits": limits,
            "month": Meter(used=used.calls, limit=limits.calls_per_month),
            "beyond": beyond_the_month(tenant, used.resets_at),
            "resets_at": used.resets_at,
            "connections": Meter(used=count_connections(tenant), limit=limits.connections),
            "busiest": busiest,
            "burst": Meter(
                used=busiest[1] if busiest else 0,
                limit=busiest[0].limit if busiest else limits.burst_per_minute,
            ),
            "overage": _overage(tenant, limits, used.calls, now),
            "period": period,
            "chart": usage_chart.draw(
                daily.month_of(tenant.pk, period.first, chosen.source if chosen else None),
                first=period.first,
                last=period.last,
            ),
            "chosen": chosen,
            "is_behind": bool(used.calls) and not chosen and period.later is None,
            "choices": [row.named for row in rows if row.named],
            "sources": rows[:_SOURCES],
            "more_sources": max(0, len(rows) - _SOURCES),
            "statements": UsageStatement.objects.for_tenant(tenant).order_by("-month")[
                :_STATEMENTS
            ],
        },
    )


@require_safe
@portal_view(may_use_ai_access)
def usage_days(request: PortalRequest) -> HttpResponse:
    """The chart's numbers as CSV."""
    period = _period(request, timezone.now())
    visible = usage_sources.visible_sources(request.membership, limits_of(request.tenant))
    chosen = _chosen(request, visible)
    rows = daily.month_of(request.tenant.pk, period.first, chosen.source if chosen else None)
    return _csv(
        f"ai-usage-{period.first:%Y-%m}.csv",
        ["day", "tool", "calls", "errors", "refused"],
        # No cell is anybody's text: tools are ours, or none.
        ([row.day, row.tool or "unknown", row.calls, row.errors, row.refused] for row in rows),
    )


@require_safe
@portal_view(may_use_ai_access)
def usage_statements(request: PortalRequest) -> HttpResponse:
    """All statements of the tenant as CSV, newest first."""
    found = UsageStatement.objects.for_tenant(request.tenant).order_by("-month")
    return _csv(
        "ai-usage-statements.csv",
        [
            "month",
            "tier",
            "calls",
            "included",
            "overage_calls",
            "unit_price",
            "amount",
            "currency",
            "closed_at",
        ],
        (
            [
                f"{one.month:%Y-%m}",
                one.tier,
                one.calls,
                "unlimited" if one.included is None else one.included,
                one.overage_calls,
                one.price.plain,
                one.money.plain,
                one.currency,
                one.closed_at.astimezone(UTC).isoformat(timespec="seconds"),
            ]
            for one in found
        ),
    )


def _csv(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )
    writer = csv.writer(response)
    writer.writerow(header)
    writer.writerows(rows)
    return response


def _overage(tenant: Tenant, limits: TenantLimits, calls: int, now: datetime) -> Overage | None:
    price = overage_price(tenant)
    included = limits.calls_per_month
    if price is None or included is None:
        return None
    first, resets_at = month_bounds(now)
    start = datetime(first.year, first.month, 1, tzinfo=UTC)
    expected = None
    if now - start >= timedelta(days=1):
        expected = (
            calls
            * ((resets_at - start) // timedelta(seconds=1))
            // ((now - start) // timedelta(seconds=1))
        )
    return Overage(
        price=price,
        calls=max(0, calls - included),
        so_far=price * max(0, calls - included),
        forecast=None if expected is None else price * max(0, expected - included),
        forecast_calls=expected,
    )


def _period(request: PortalRequest, now: datetime) -> _Period:
    """The month of `?month=2026-10`, else the present one.

    Raises:
        Http404: not a month, or one that the account can have no calls in.
    """
    current, _ = month_bounds(now)
    oldest, _ = month_bounds(request.tenant.created_at)
    # What the log has forgotten is not asked for here either.
    oldest = max(oldest, month_bounds(now - timedelta(days=settings.AUDIT_RETENTION_DAYS))[0])
    asked = request.GET.get("month", "")
    try:
        first = datetime.strptime(asked, "%Y-%m").date() if asked else current  # noqa: DTZ007
    except ValueError as error:
        raise Http404 from error
    if not min(oldest, current) <= first <= current:
        raise Http404
    following = (first + timedelta(days=31)).replace(day=1)
    return _Period(
        first=first,
        last=min(following - timedelta(days=1), now.astimezone(UTC).date()),
        earlier=(first - timedelta(days=1)).replace(day=1) if first > oldest else None,
        later=following if first < current else None,
    )


def _chosen(
    request: PortalRequest, visible: dict[daily.Source, usage_sources.NamedSource]
) -> usage_sources.NamedSource | None:
    """The filter `?by=`. Raises Http404 for what the person may not see, or is not there."""
    key = request.GET.get("by", "")
    found = usage_sources.chosen(visible, key)
    if key and found is None:
        raise Http404
    return found
