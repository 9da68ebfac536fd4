"""The first page after signing in. It looks into every app: part of the composition root."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audit.models import ToolCall
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.billing.services import balance
from cliqtel_portal.callflows.models import CallFlow
from cliqtel_portal.money import Money
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.trunks.models import Trunk
from mcp_access.connections import connections_of

_LAST_CALLS = 5


@dataclass(frozen=True, kw_only=True)
class Holding:
    """What the account has of one kind. `wanting` are those that need somebody's attention."""

    total: int
    working: int
    wanting: int


@require_safe
@portal_view()
def home(request: PortalRequest) -> HttpResponse:
    context = {
        "numbers": _numbers(request.tenant),
        "trunks": _trunks(request.tenant),
        "flows": _flows(request.tenant),
        "balance": _in_cents(balance(request.tenant)),
    }
    if may_use_ai_access(request.membership.role):
        calls = ToolCall.objects.visible_to(request.membership)
        context |= {
            "is_connected": any(host.last_used_at for host in connections_of(request.membership)),
            "has_called": calls.filter(status=ToolCall.Status.OK).exists(),
            "calls": calls.order_by("-id")[:_LAST_CALLS],
        }
    return render(request, "home.html", context)


def _numbers(tenant: Tenant) -> Holding:
    """Working are the active ones; of these, those that lead nowhere want a connection."""
    is_active = Q(status=PhoneNumber.Status.ACTIVE)
    goes_nowhere = Q(trunk__isnull=True, call_flow__isnull=True)
    held = PhoneNumber.objects.for_tenant(tenant).exclude(status=PhoneNumber.Status.RELEASED)
    return Holding(
        **held.aggregate(
            total=Count("id"),
            working=Count("id", filter=is_active),
            wanting=Count("id", filter=is_active & goes_nowhere),
        )
    )


def _trunks(tenant: Tenant) -> Holding:
    """Working are those that calls can use; those that ought to register and don't are wanting."""
    is_on = Q(status=Trunk.Status.ACTIVE)
    is_reached = Q(authentication=Trunk.Authentication.IP) | Q(
        registration_state=Trunk.Registration.REGISTERED
    )
    return Holding(
        **Trunk.objects.for_tenant(tenant).aggregate(
            total=Count("id"),
            working=Count("id", filter=is_on & is_reached),
            wanting=Count("id", filter=is_on & ~is_reached),
        )
    )


def _flows(tenant: Tenant) -> Holding:
    """Working are the active ones; drafts wait for somebody to publish them."""
    kept = CallFlow.objects.for_tenant(tenant).exclude(status=CallFlow.Status.ARCHIVED)
    return Holding(
        **kept.aggregate(
            total=Count("id"),
            working=Count("id", filter=Q(status=CallFlow.Status.ACTIVE)),
            wanting=Count("id", filter=Q(status=CallFlow.Status.DRAFT)),
        )
    )


def _in_cents(money: Money) -> Money:
    """Never more than there is: calls are booked in fractions of a cent."""
    cents = money.amount.quantize(Decimal("0.01"), rounding=ROUND_FLOOR)
    return Money(amount=cents, currency=money.currency)
