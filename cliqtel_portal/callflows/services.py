"""What pages and tools ask about call flows; `drafts` and `publishing` change them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import Case, Exists, F, Max, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.callflows.errors import CallFlowNotFound, RevisionNotFound
from cliqtel_portal.callflows.graph import Graph
from cliqtel_portal.callflows.lint import LintFinding, lint
from cliqtel_portal.callflows.models import CallFlow, Change, Revision
from cliqtel_portal.callflows.stored import current_revision, graph_of
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.trunks.models import Trunk

RoutingStatus = Literal["active", "draft", "none"]

# Flows without a number that come with the first page of numbers; the portal shows all.
_MAX_UNUSED = 50


@dataclass(frozen=True, kw_only=True)
class FlowState:
    """A flow as it is shown: the active revision, or the newest one of a draft."""

    flow: CallFlow
    revision: Revision
    graph: Graph
    findings: tuple[LintFinding, ...]


@dataclass(frozen=True, kw_only=True)
class NumberRouting:
    """What a call to one number meets. `none`: no flow, the number has a trunk or nothing."""

    e164: str
    status: RoutingStatus
    call_flow_id: uuid.UUID | None
    name: str | None
    revision: int | None
    pending_change_id: uuid.UUID | None
    updated_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class RoutingPage:
    """`next_after`: the number to continue after. `unused` come with the first page only."""

    numbers: tuple[NumberRouting, ...]
    unused: tuple[CallFlow, ...]
    next_after: str | None


def flow_by_id(tenant: Tenant, call_flow_id: uuid.UUID) -> FlowState:
    """Return the tenant's flow.

    Raises:
        CallFlowNotFound: no such flow in this tenant, or nothing is saved in it.
    """
    flow = (
        CallFlow.objects.for_tenant(tenant)
        .select_related("active_revision")
        .filter(pk=call_flow_id)
        .first()
    )
    if flow is None:
        raise CallFlowNotFound(
            "There is no such call flow in this account. List the call flows to find its id."
        )
    return _state(flow)


def flow_of_number(tenant: Tenant, e164: str) -> FlowState:
    """Return the flow that calls to the tenant's number follow.

    Raises:
        CallFlowNotFound: the number is not the tenant's, or has no flow.
    """
    number = (
        held_numbers(tenant)
        .filter(e164=e164)
        .select_related("call_flow__active_revision", "trunk")
        .first()
    )
    if number is None:
        raise CallFlowNotFound(
            f"This account has no number {e164}. List the inventory to see which it has."
        )
    if number.call_flow is None:
        fate = (
            f"calls go straight to the trunk {number.trunk.name}"
            if number.trunk
            else "calls to it are rejected"
        )
        raise CallFlowNotFound(f"{e164} has no call flow: {fate}. Assign it to a call flow first.")
    return _state(number.call_flow)


def revisions_of(tenant: Tenant, flow: CallFlow) -> QuerySet[Revision]:
    """The flow's revisions, newest first, without their graphs."""
    revisions = Revision.objects.for_tenant(tenant).filter(call_flow=flow)
    return revisions.defer("graph").order_by("-number")


def revision_of(tenant: Tenant, flow: CallFlow, number: int) -> Revision:
    """Return the flow's revision of that number.

    Raises:
        RevisionNotFound: there is none.
    """
    revisions = Revision.objects.for_tenant(tenant).filter(call_flow=flow)
    revision = revisions.filter(number=number).first()
    if revision is None:
        newest = revisions.aggregate(newest=Max("number"))["newest"]
        raise RevisionNotFound(f"{flow.name} has no revision {number}: its newest is {newest}.")
    return revision


def pending_changes_of(tenant: Tenant, flow: CallFlow) -> QuerySet[Change]:
    """What waits for a person, newest first, without the graphs."""
    pending = Change.objects.for_tenant(tenant).filter(call_flow=flow, status=Change.Status.PENDING)
    return pending.select_related("base_revision", "restores").defer("graph").order_by("-id")


def names_in(tenant: Tenant, *graphs: Graph) -> dict[str, str]:
    """What the graphs name by id only, by that id: the tenant's trunks; no other tenant's."""
    ids = {
        str(node.config["trunk_id"])
        for graph in graphs
        for node in graph.nodes
        if node.type == "trunk"
    }
    if not ids:
        return {}
    trunks = Trunk.objects.for_tenant(tenant).filter(pk__in=ids).values_list("pk", "name")
    return {str(pk): name for pk, name in trunks}


def numbers_of(tenant: Tenant, flow: CallFlow) -> QuerySet[PhoneNumber]:
    """The tenant's numbers whose calls follow the flow."""
    return held_numbers(tenant).filter(call_flow=flow).order_by("e164")


def routing_of_numbers(
    tenant: Tenant, *, status: RoutingStatus | None = None, after: str = "", limit: int
) -> RoutingPage:
    """Return what happens to calls, number by number, in the order of the numbers.

    Args:
        status: only numbers whose flow has it; an archived flow counts as none.
        after: the `next_after` of the page before.
    """
    rows = (
        held_numbers(tenant)
        .annotate(
            flow_status=Case(
                When(call_flow__status__in=["active", "draft"], then=F("call_flow__status")),
                default=Value("none"),
            )
        )
        .annotate(
            revision_number=_shown_revision("call_flow__active_revision__number", "call_flow_id"),
            pending_change_id=_pending_change("call_flow_id"),
        )
        .filter(e164__gt=after)
        .order_by("e164")
    )
    if status is not None:
        rows = rows.filter(flow_status=status)
    found = list(
        rows.values_list(
            "e164",
            "flow_status",
            "call_flow_id",
            "call_flow__name",
            "revision_number",
            "pending_change_id",
            "call_flow__updated_at",
        )[: limit + 1]
    )
    numbers = tuple(_routing(*row) for row in found[:limit])
    return RoutingPage(
        numbers=numbers,
        unused=() if after or status == "none" else tuple(_unused(tenant, status)),
        next_after=numbers[-1].e164 if len(found) > limit else None,
    )


def _routing(
    e164: str,
    status: RoutingStatus,
    call_flow_id: uuid.UUID | None,
    name: str | None,
    revision: int | None,
    pending_change_id: uuid.UUID | None,
    updated_at: datetime | None,
) -> NumberRouting:
    if status == "none":
        call_flow_id = name = revision = pending_change_id = updated_at = None
    return NumberRouting(
        e164=e164,
        status=status,
        call_flow_id=call_flow_id,
        name=name,
        revision=revision,
        pending_change_id=pending_change_id,
        updated_at=updated_at,
    )


def _unused(tenant: Tenant, status: RoutingStatus | None) -> QuerySet[CallFlow]:
    wanted = [status] if status else ["active", "draft"]
    numbers = held_numbers(tenant).filter(call_flow=OuterRef("pk"))
    flows = CallFlow.objects.for_tenant(tenant).filter(~Exists(numbers), status__in=wanted)
    return flows.order_by("name", "id")[:_MAX_UNUSED]


def held_numbers(tenant: Tenant) -> QuerySet[PhoneNumber]:
    """Without released ones, so that a number is there once."""
    return PhoneNumber.objects.for_tenant(tenant).exclude(status=PhoneNumber.Status.RELEASED)


def _shown_revision(active: str, call_flow: str) -> Coalesce:
    newest = Revision.objects.filter(call_flow=OuterRef(call_flow)).order_by("-number")
    return Coalesce(F(active), Subquery(newest.values("number")[:1]))


def _pending_change(call_flow: str) -> Subquery:
    # A foreign key over two columns holds that a change has the tenant of its flow.
    pending = Change.objects.filter(call_flow=OuterRef(call_flow), status=Change.Status.PENDING)
    return Subquery(pending.order_by("-id").values("id")[:1])


def _state(flow: CallFlow) -> FlowState:
    revision = current_revision(flow)
    graph = graph_of(revision)
    return FlowState(flow=flow, revision=revision, graph=graph, findings=lint(graph))
