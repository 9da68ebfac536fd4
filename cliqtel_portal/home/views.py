from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from approvals.cards import cards_of, waiting_approvals
from approvals.models import Approval
from approvals.states import Status
from audit.models import ToolCall
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.accounts.permissions import (
    may_decide_approvals,
    may_use_ai_access,
    scopes_of_tier,
)
from cliqtel_portal.billing.services import balance
from cliqtel_portal.callflows.models import CallFlow
from cliqtel_portal.home.attention import matters_of, outage_of
from cliqtel_portal.money import Money
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.trunks.models import Trunk
from mcp_access.connections import connections_of

_LAST_CALLS = 5
_WAITING = 4
_DECIDED = [Status.APPROVED, Status.REJECTED, Status.EXECUTING, Status.EXECUTED, Status.FAILED]


@dataclass(frozen=True, kw_only=True)
class Holding:
    """What the account has of one kind. `wanting` are those that need somebody's attention."""

    total: int
    working: int
    wanting: int


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The first ones, each done by what has happened: nobody ticks them."""

    is_connected: bool
    has_called: bool
    has_decided: bool

    @property
    def left(self) -> int:
        return [self.is_connected, self.has_called, self.has_decided].count(False)


@require_safe
@portal_view()
def home(request: PortalRequest) -> HttpResponse:
    now = timezone.now()
    numbers, without_address = _numbers(request.tenant)
    context = {
        "numbers": numbers,
        "trunks": _trunks(request.tenant),
        "flows": _flows(request.tenant),
        "balance": _in_cents(balance(request.tenant)),
        "outage": outage_of(request.tenant, now),
        "matters": matters_of(
            request.membership,
            unconnected=numbers.wanting,
            without_address=without_address,
            now=now,
        ),
    }
    if may_use_ai_access(request.membership.role):
        calls = ToolCall.objects.visible_to(request.membership).defer("arguments", "result")
        last = list(calls.order_by("-id")[:_LAST_CALLS])
        context |= {
            "steps": _steps(request.membership, last),
            "may_decide": may_decide_approvals(request.membership.role),
            "hosts_may_order": "mcp.orders.draft" in scopes_of_tier(request.tenant.tier),
            "waiting": cards_of(request.membership, _waiting(request.membership), now),
            "calls": last,
        }
    return render(request, "home.html", context)


def _steps(member: Membership, last: list[ToolCall]) -> Steps:
    """Asked from the end, since a later step tells that those before it are done."""
    is_ok = ToolCall.Status.OK
    approvals = Approval.objects.for_tenant(member.tenant)
    has_called = (
        any(call.status == is_ok for call in last)
        or ToolCall.objects.visible_to(member).filter(status=is_ok).exists()
    )
    return Steps(
        is_connected=has_called or any(host.last_used_at for host in connections_of(member)),
        has_called=has_called,
        has_decided=approvals.filter(status__in=_DECIDED).exists(),
    )


def _waiting(member: Membership) -> list[Approval]:
    """The most urgent for whoever decides; others have what they asked for themselves."""
    if may_decide_approvals(member.role):
        found = waiting_approvals(member)
    else:
        found = Approval.objects.for_tenant(member.tenant).awaiting(timezone.now())
        found = found.filter(requester=member.user)
    return list(found.select_related("requester")[:_WAITING])


def _numbers(tenant: Tenant) -> tuple[Holding, int]:
    """Working are the active ones; of these, those that lead nowhere want a connection. And how
    many active ones with voice have no emergency address.
    """
    is_active = Q(status=PhoneNumber.Status.ACTIVE)
    goes_nowhere = Q(trunk__isnull=True, call_flow__isnull=True)
    is_unfindable = Q(
        emergency_state=PhoneNumber.EmergencyState.NONE, capabilities__contains=["voice"]
    )
    held = PhoneNumber.objects.for_tenant(tenant).exclude(status=PhoneNumber.Status.RELEASED)
    counts = held.aggregate(
        total=Count("id"),
        working=Count("id", filter=is_active),
        wanting=Count("id", filter=is_active & goes_nowhere),
        without_address=Count("id", filter=is_active & is_unfindable),
    )
    without_address = counts.pop("without_address")
    return Holding(**counts), without_address


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
