"""What the list of call flows shows: what a call to each number meets, and each flow."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.callflows.models import CallFlow, Change, Revision
from cliqtel_portal.callflows.services import held_numbers
from cliqtel_portal.numbers.models import PhoneNumber

_NO_FLOW = Q(call_flow__isnull=True) | Q(call_flow__status=CallFlow.Status.ARCHIVED)
# What a call meets, in the order of the menu.
MEETS = {
    "active": ("An active flow", Q(call_flow__status=CallFlow.Status.ACTIVE)),
    "draft": ("A draft only", Q(call_flow__status=CallFlow.Status.DRAFT)),
    "trunk": ("No flow: a trunk", _NO_FLOW & Q(trunk__isnull=False)),
    "none": ("No flow: rejected", _NO_FLOW & Q(trunk__isnull=True)),
}
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A flow as a list shows it. `revision` is the one calls follow, or the newest of a draft."""

    flow: CallFlow
    revision: Revision | None
    waiting: int
    number_count: int = 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """`shown` is None where no flow decides; then a trunk has the call, or nobody."""

    number: PhoneNumber
    shown: Shown | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """`before` and `after` name the neighbouring pages, "" where there is none."""

    rows: list[Row]
    before: str
    after: str


def counts_of(tenant: Tenant) -> dict[str, int]:
    """How many numbers meet what: a count for each name that the filter knows, and `all`."""
    # `trunk` alone would be taken for the field.
    counted: dict[str, int] = held_numbers(tenant).aggregate(
        count_all=Count("pk"),
        **{f"count_{name}": Count("pk", filter=meets) for name, (_, meets) in MEETS.items()},
    )
    return {name.removeprefix("count_"): count for name, count in counted.items()}


def numbers_page(
    tenant: Tenant, numbers: QuerySet[PhoneNumber], *, after: str, before: str, size: int
) -> Page:
    """The numbers after or before one, or the first; what is no number is ignored."""
    after, before = (text if _E164.fullmatch(text) else "" for text in (after, before))
    is_backward = bool(before and not after)
    if after:
        numbers = numbers.filter(e164__gt=after)
    elif before:
        numbers = numbers.filter(e164__lt=before)
    read = list(
        numbers.select_related("trunk", "call_flow__active_revision")
        .defer("call_flow__active_revision__graph")
        .order_by("-e164" if is_backward else "e164")[: size + 1]
    )
    is_more = len(read) > size
    read = read[:size]
    if is_backward:
        read.reverse()
    deciding = {
        number.call_flow.pk: number.call_flow
        for number in read
        if number.call_flow and number.call_flow.status != CallFlow.Status.ARCHIVED
    }
    shown = _shown(tenant, deciding.values())
    return Page(
        rows=[Row(number=number, shown=shown.get(number.call_flow_id)) for number in read],
        before=read[0].e164 if read and (is_more if is_backward else after) else "",
        after=read[-1].e164 if read and (is_more or is_backward) else "",
    )


def flows_of(tenant: Tenant, *, name: str = "") -> QuerySet[CallFlow]:
    """The tenant's flows by name, those that have it in theirs."""
    flows = CallFlow.objects.for_tenant(tenant).filter(name__icontains=name)
    return (
        flows.select_related("active_revision")
        .defer("active_revision__graph")
        .order_by("name", "id")
    )


def shown_flows(tenant: Tenant, flows: Iterable[CallFlow]) -> list[Shown]:
    """The flows of one page, with how many numbers lead to each."""
    listed = list(flows)
    counted = held_numbers(tenant).filter(call_flow__in=[flow.pk for flow in listed])
    counts = dict(counted.values_list("call_flow").annotate(held=Count("pk")))
    return [*_shown(tenant, listed, counts).values()]


def _shown(
    tenant: Tenant, flows: Iterable[CallFlow], counts: dict[uuid.UUID, int] | None = None
) -> dict[uuid.UUID | None, Shown]:
    listed = list(flows)
    drafts = [flow.pk for flow in listed if flow.active_revision is None]
    newest = {
        revision.call_flow_id: revision
        for revision in Revision.objects.for_tenant(tenant)
        .filter(call_flow__in=drafts)
        .order_by("call_flow", "-number")
        .distinct("call_flow")
        .defer("graph")
    }
    pending = Change.objects.for_tenant(tenant).filter(
        call_flow__in=[flow.pk for flow in listed], status=Change.Status.PENDING
    )
    waiting = dict(pending.values_list("call_flow").annotate(count=Count("pk")))
    return {
        flow.pk: Shown(
            flow=flow,
            revision=flow.active_revision or newest.get(flow.pk),
            waiting=waiting.get(flow.pk, 0),
            number_count=(counts or {}).get(flow.pk, 0),
        )
        for flow in listed
    }
