"""A tenant's month of calls: warned of before it is used up, closed when it is over."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone

from audit.models import MonthlyUsage
from audit.services import month_bounds
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.billing.models import UsageStatement, UsageWarning
from cliqtel_portal.billing.statements import close_month, warn_once
from cliqtel_portal.errors import PortalError
from mcp_access.limits import limits_of, overage_price

logger = logging.getLogger(__name__)


def close_months(*, now: datetime | None = None) -> int:
    """Every month that is over has its statement; return how many were closed by this.

    Idempotent; each statement is a transaction of its own, so what dies half-way goes on later.
    A tenant is billed by the tier and limits that it has at that moment.
    """
    # A call that began before midnight may be written after it.
    settled = (now or timezone.now()) - timedelta(seconds=settings.MCP_MONTH_CLOSES_AFTER)
    current, _ = month_bounds(settled)
    statements = UsageStatement.objects.filter(
        tenant=OuterRef("tenant_id"), month=OuterRef("month")
    )
    usages = list(
        MonthlyUsage.objects.filter(~Exists(statements), month__lt=current).order_by("month", "id")
    )
    tenants = _tenants(usages)
    closed = 0
    for usage in usages:
        tenant = tenants.get(usage.tenant_id)
        if tenant is None:
            continue
        try:
            closed += close_month(
                tenant,
                month=usage.month,
                calls=usage.calls,
                included=limits_of(tenant).calls_per_month,
                call_price=overage_price(tenant),
            )
        except PortalError:
            # One account's muddle must not keep the others from being closed.
            logger.exception("the month %s of %s stays open", usage.month, tenant.slug)
    return closed


def warn_of_months(*, now: datetime | None = None) -> int:
    """Tenants at 80 and at 100 % of this month's calls were told so; return how many now were.

    Once for each share, and of two that are reached at a time the higher one only.
    """
    month, resets_at = month_bounds(now)
    told = UsageWarning.objects.filter(tenant=OuterRef("tenant_id"), month=month, percent=100)
    usages = list(MonthlyUsage.objects.filter(~Exists(told), month=month))
    tenants = _tenants(usages)
    warned = 0
    for usage in usages:
        tenant = tenants.get(usage.tenant_id)
        limit = limits_of(tenant).calls_per_month if tenant else None
        if tenant is None or limit is None:
            continue
        reached = [percent for percent in (100, 80) if usage.calls * 100 >= limit * percent]
        if reached:
            warned += warn_once(
                tenant,
                month=month,
                percent=reached[0],
                title=_title(reached[0]),
                body=f"{usage.calls:,} of {limit:,} calls. {beyond_the_month(tenant, resets_at)}",
                link=reverse("mcp_access:usage"),
            )
    return warned


def beyond_the_month(tenant: Tenant, resets_at: datetime) -> str:
    """What happens to calls over the month's limit; "" where there is none."""
    limits = limits_of(tenant)
    if limits.calls_per_month is None:
        return ""
    if limits.month_is_hard:
        return f"Calls beyond are refused until {resets_at:%-d %B} (UTC)."
    price = overage_price(tenant)
    return f"Each call beyond costs {price}." if price else "Calls beyond go on at no cost."


def _title(percent: int) -> str:
    if percent == 100:
        return "This month's AI calls are used up"
    return f"{percent} % of this month's AI calls are used"


def _tenants(usages: list[MonthlyUsage]) -> Mapping[UUID, Tenant]:
    return Tenant.objects.in_bulk({usage.tenant_id for usage in usages})
