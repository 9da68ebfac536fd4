from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.callflows import services
from cliqtel_portal.callflows.comparison import Comparison
from cliqtel_portal.callflows.diff import diff
from cliqtel_portal.callflows.drawing import draw
from cliqtel_portal.callflows.errors import CallFlowNotFound, RevisionNotFound
from cliqtel_portal.callflows.forms import FlowFilterForm
from cliqtel_portal.callflows.graph import Graph, Node
from cliqtel_portal.callflows.listing import (
    counts_of,
    flows_of,
    numbers_page,
    shown_flows,
)
from cliqtel_portal.callflows.models import CallFlow
from cliqtel_portal.callflows.stored import graph_of
from cliqtel_portal.phone import display

_PER_PAGE = 50
_REVISIONS = 20
_NUMBERS = 20


@dataclass(frozen=True, kw_only=True)
class Step:
    """A node as a list shows it: what it does, and where each outcome leads."""

    node: Node
    is_entry: bool
    ways: tuple[tuple[str, str], ...]


@require_safe
@portal_view()
def flow_list(request: PortalRequest) -> HttpResponse:
    """What a call to each number meets; with `?by=flow` the flows, also those without a number."""
    if request.GET.get("by") == "flow":
        return _list_by_flow(request)
    form = FlowFilterForm(request.GET.dict())
    found = form.narrow(request.tenant)
    counts = counts_of(request.tenant)
    return render(
        request,
        "callflows/list.html",
        {
            "form": form,
            "page": numbers_page(
                request.tenant,
                found,
                after=request.GET.get("after", ""),
                before=request.GET.get("before", ""),
                size=_PER_PAGE,
            ),
            "found": found.count() if form.is_used else counts["all"],
            "counts": counts,
            "flow_count": CallFlow.objects.for_tenant(request.tenant).count(),
            "only": form.flow_of(request.tenant),
            "may_ask": may_use_ai_access(request.membership.role),
        },
    )


def _list_by_flow(request: PortalRequest) -> HttpResponse:
    name = request.GET.get("q", "").replace("\x00", "").strip()
    flows = flows_of(request.tenant, name=name)
    page = Paginator(flows, _PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "callflows/flows.html",
        {
            "page": page,
            "rows": shown_flows(request.tenant, page.object_list),
            "name": name,
            "flow_count": CallFlow.objects.for_tenant(request.tenant).count(),
            "number_count": services.held_numbers(request.tenant).count(),
            "may_ask": may_use_ai_access(request.membership.role),
        },
    )


@require_safe
@portal_view()
def flow_detail(request: PortalRequest, call_flow_id: uuid.UUID) -> HttpResponse:
    try:
        state = services.flow_by_id(request.tenant, call_flow_id)
    except CallFlowNotFound as error:
        raise Http404 from error
    if "compare" in request.GET:
        return _compare(request, state)
    title = f"Call flow {state.flow.name}"
    numbers = list(services.numbers_of(request.tenant, state.flow)[: _NUMBERS + 1])
    return render(
        request,
        "callflows/detail.html",
        {
            "state": state,
            "steps": steps(state.graph),
            # draw() builds them with ElementTree, which escapes every title.
            "drawing": mark_safe(draw(state.graph, title=title)),  # noqa: S308
            "narrow_drawing": mark_safe(  # noqa: S308
                draw(state.graph, title=title, vertical=True, prefix="flow-narrow")
            ),
            "revisions": services.revisions_of(request.tenant, state.flow)[:_REVISIONS],
            "pending": services.pending_changes_of(request.tenant, state.flow),
            "may_ask": _may_ask(request, state.flow),
            "numbers": [display(number.e164) for number in numbers[:_NUMBERS]],
            "has_more_numbers": len(numbers) > _NUMBERS,
        },
    )


def _compare(request: PortalRequest, state: services.FlowState) -> HttpResponse:
    try:
        other = services.revision_of(
            request.tenant, state.flow, _positive(request.GET.get("compare", ""))
        )
    except RevisionNotFound as error:
        raise Http404 from error
    current = state.revision
    # From the older to the newer one, as time went.
    old, new = sorted((other, current), key=lambda revision: revision.number)
    return render(
        request,
        "callflows/compare.html",
        {
            "state": state,
            "old": old,
            "new": new,
            "other": other,
            "may_ask": _may_ask(request, state.flow) and other.etag != current.etag,
            "comparison": Comparison(
                diff(graph_of(old), graph_of(new)),
                name=state.flow.name,
                old_label=str(old),
                new_label=str(new),
            ),
        },
    )


def _positive(text: str) -> int:
    """0, which no revision has, for what is not a number of one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _may_ask(request: PortalRequest, flow: CallFlow) -> bool:
    return flow.status != CallFlow.Status.ARCHIVED and may_use_ai_access(request.membership.role)


def steps(graph: Graph) -> list[Step]:
    """Every node in the order of the graph, the entry first."""
    ordered = sorted(graph.nodes, key=lambda node: node.id != graph.entry)
    return [
        Step(
            node=node,
            is_entry=node.id == graph.entry,
            ways=tuple(
                (graph.outcome_label(edge), _title(graph, edge.target))
                for edge in graph.outgoing[node.id]
            ),
        )
        for node in ordered
    ]


def _title(graph: Graph, node_id: str) -> str:
    node = graph.by_id.get(node_id)
    return node.title if node else f"{node_id} (missing)"
