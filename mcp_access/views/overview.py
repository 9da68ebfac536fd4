"""The first page of AI Access: where hosts connect, and how much of the plan is used."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audit.services import usage_of
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.accounts.permissions import may_use_ai_access
from mcp_access import services
from mcp_access.connections import count_connections
from mcp_access.limits import limits_of, overage_price
from mcp_access.oauth import connected_apps
from mcp_access.views import first_calls, hosts
from mcp_access.views.app_rows import app_rows
from mcp_access.views.meters import Meter
from mcp_access.views.notices import unread
from mcp_access.views.rows import live_first, rows

_TOP = 5


@require_safe
@portal_view(may_use_ai_access)
def overview(request: PortalRequest) -> HttpResponse:
    visible = services.visible_tokens(request.membership)
    allowed = connected_apps.visible_consents(request.membership)
    apps = connected_apps.connected_apps(list(allowed[:_TOP]))
    limits = limits_of(request.tenant)
    usage = usage_of(request.tenant.pk)
    newest = live_first(visible)[:_TOP]
    ways = hosts.hosts()
    response = render(
        request,
        "mcp_access/overview.html",
        {
            "endpoint": settings.MCP_RESOURCE_URL,
            "hosts": ways,
            "open": hosts.chosen(request, ways, "claude"),
            "notices": unread(request),
            "tokens": rows(request.membership, newest),
            "awaited": first_calls.awaited(request.user.pk, newest, apps),
            "token_count": len(visible),
            "apps": app_rows(request.membership, apps),
            "app_count": allowed.count() if len(apps) == _TOP else len(apps),
            "limits": limits,
            "month": Meter(used=usage.calls, limit=limits.calls_per_month),
            "beyond": _beyond_the_month(request.tenant),
            "resets_at": usage.resets_at,
            "connections": Meter(used=count_connections(request.tenant), limit=limits.connections),
        },
    )
    hosts.remember(request, response, ways)
    return response


def _beyond_the_month(tenant: Tenant) -> str:
    """What happens to calls over the month's limit; "" where there is none."""
    limits = limits_of(tenant)
    if limits.calls_per_month is None:
        return ""
    if limits.month_is_hard:
        return "Further calls are refused until then."
    price = overage_price(tenant)
    return f"Further calls cost {price} each." if price else ""
