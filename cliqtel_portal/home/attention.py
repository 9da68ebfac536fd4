"""What on an account wants somebody's attention, in words and with the page that helps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Min
from django.urls import reverse

from audit import alert_words
from audit.models import Alert
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.accounts.permissions import may_manage_all_tokens, may_use_ai_access
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.inert import visible
from cliqtel_portal.trunks.models import Trunk
from cliqtel_portal.trunks.services import last_error
from mcp_access.models import AccessToken

_EXPIRES_SOON = timedelta(days=14)
_SHOWN = 3  # of each kind


@dataclass(frozen=True, kw_only=True)
class Matter:
    """`what` leads to `path`; `why` says what it means or what to do. Either may hold names."""

    tone: str
    what: str
    why: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Outage:
    """The carrier has not answered; `operations` of the tenant are tried again by themselves."""

    operations: int
    next_try_at: datetime


def matters_of(
    member: Membership, *, unconnected: int, without_address: int, now: datetime
) -> list[Matter]:
    """The gravest first. Counts of numbers come from whoever counted them already."""
    found = [*_alerts(member), *_trunks(member.tenant)]
    if unconnected:
        one = unconnected == 1
        found.append(
            Matter(
                tone="warn",
                what=f"{unconnected:,} active number{' is' if one else 's are'} not connected",
                why=f"Calls to {'it' if one else 'them'} are rejected: choose where they go.",
                path=_numbers(status="active", connection="none"),
            )
        )
    if without_address:
        one = without_address == 1
        found.append(
            Matter(
                tone="warn",
                what=f"{without_address:,} active number{' has' if one else 's have'}"
                " no emergency address",
                why="Who calls for help from there can't be found.",
                path=_numbers(status="active", emergency="none", capability="voice"),
            )
        )
    return [*found, *_tokens(member, now)]


def outage_of(tenant: Tenant, now: datetime) -> Outage | None:
    """Requests that have been tried, and longer ago than an answer takes."""
    tried = CarrierOperation.objects.for_tenant(tenant).filter(
        state=CarrierOperation.State.PENDING,
        attempts__gte=1,
        created_at__lte=now - timedelta(seconds=settings.CARRIER_CLAIM_SECONDS),
    )
    found = tried.aggregate(operations=Count("pk"), next_try_at=Min("due_at"))
    return Outage(**found) if found["operations"] else None


def _alerts(member: Membership) -> list[Matter]:
    if not may_manage_all_tokens(member.role):
        return []
    return [
        Matter(
            tone="bad" if alert.severity == Alert.Severity.SEVERE else "warn",
            what=alert_words.title_of(alert),
            why=alert_words.sentence_of(alert),
            path=alert_words.path_of(alert),
        )
        for alert in Alert.objects.for_tenant(member.tenant).open().newest_first()[:_SHOWN]
    ]


def _trunks(tenant: Tenant) -> list[Matter]:
    down = Trunk.objects.for_tenant(tenant).needing_attention().order_by("name")
    return [
        Matter(
            tone="bad",
            what=f"Trunk “{trunk.name}” is not registered",
            why=_why_down(trunk),
            path=reverse("trunks:detail", args=[trunk.pk]),
        )
        for trunk in down[:_SHOWN]
    ]


def _why_down(trunk: Trunk) -> str:
    error = last_error(trunk)
    if error is None:
        return "No phone system has registered: calls to its numbers can't arrive."
    explained = error.explanation
    return f"{explained.code} {explained.name}: {explained.meaning}"


def _tokens(member: Membership, now: datetime) -> list[Matter]:
    """Not those with a successor: somebody has seen to them."""
    if not may_use_ai_access(member.role):
        return []
    ending = (
        AccessToken.objects.for_tenant(member.tenant)
        .static()
        .live(now)
        .filter(expires__lte=now + _EXPIRES_SOON, replaced_by__isnull=True)
    )
    if not may_manage_all_tokens(member.role):
        ending = ending.filter(user=member.user)
    return [
        Matter(
            tone="warn",
            what=f"Token “{visible(token.name)}” expires {_in_days(token.expires - now)}",
            why="Rotate it, so that its host goes on.",
            path=reverse("mcp_access:token-detail", args=[token.pk]),
        )
        for token in ending.order_by("expires")[:_SHOWN]
    ]


def _in_days(gap: timedelta) -> str:
    if gap.days == 0:
        return "within a day"
    return "in 1 day" if gap.days == 1 else f"in {gap.days} days"


def _numbers(**filters: str) -> str:
    return f"{reverse('numbers:list')}?{urlencode(filters)}"
