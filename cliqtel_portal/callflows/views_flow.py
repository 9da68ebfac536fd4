"""The page of one flow, and two of its revisions compared."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.callflows import services
from cliqtel_portal.callflows.comparison import Comparison
from cliqtel_portal.callflows.diff import diff
from cliqtel_portal.callflows.drawing import draw
from cliqtel_portal.callflows.errors import (
    CallFlowNotFound,
    GraphUnreadableError,
    RevisionNotFound,
)
from cliqtel_portal.callflows.models import CallFlow, Revision
from cliqtel_portal.callflows.steps import steps_of
from cliqtel_portal.callflows.stored import graph_of

logger = logging.getLogger(__name__)

_REVISIONS = 20
# In the menus to compare two; older ones are compared from their place in the list.
_MENU = 100
_NUMBERS = 12


@require_safe
@portal_view()
def flow_detail(request: PortalRequest, call_flow_id: uuid.UUID) -> HttpResponse:
    try:
        state = services.flow_by_id(request.tenant, call_flow_id)
        return _compare(request, state) if "compare" in request.GET else _detail(request, state)
    except (CallFlowNotFound, RevisionNotFound) as error:
        raise Http404 from error
    except GraphUnreadableError as error:
        logger.exception("call flow %s can't be shown", call_flow_id)
        context = {"message": error.message}
        return render(request, "callflows/unreadable.html", context, status=500)


def _detail(request: PortalRequest, state: services.FlowState) -> HttpResponse:
    names = services.names_in(request.tenant, state.graph)
    numbers = services.numbers_of(request.tenant, state.flow)
    menu = list(services.revisions_of(request.tenant, state.flow)[:_MENU])
    older = _positive(request.GET.get("older", ""))
    revisions = _revisions(request, state.flow, menu, older)
    return render(
        request,
        "callflows/detail.html",
        {
            "state": state,
            "steps": steps_of(state.graph, state.findings, names=names),
            "drawing": drawn(state, names),
            "narrow_drawing": drawn(state, names, is_narrow=True),
            "revisions": revisions[:_REVISIONS],
            "has_older": len(revisions) > _REVISIONS,
            "is_older": bool(older),
            "menu": menu,
            "pending": services.pending_changes_of(request.tenant, state.flow),
            "may_ask": _may_ask(request, state.flow),
            "numbers": numbers.only("e164")[:_NUMBERS],
            "number_count": numbers.count(),
        },
    )


def drawn(
    state: services.FlowState, names: Mapping[str, str], *, is_narrow: bool = False
) -> SafeString:
    """The flow as SVG, what is wrong with it marked. `names`: of what it names by id, as trunks."""
    severities = {
        # Errors come first and win.
        finding.node_id: finding.severity
        for finding in reversed(state.findings)
        if finding.node_id is not None
    }
    drawing = draw(
        state.graph,
        title=f"Call flow {state.flow.name}",
        vertical=is_narrow,
        prefix="flow-narrow" if is_narrow else "flow",
        severities=severities,
        names=names,
    )
    # draw() builds it with ElementTree, which escapes every title.
    return mark_safe(drawing)  # noqa: S308


def _revisions(
    request: PortalRequest, flow: CallFlow, newest: list[Revision], older: int
) -> list[Revision]:
    """One page of them and one more: the newest, or those older than a number."""
    if not older:
        return newest[: _REVISIONS + 1]
    found = services.revisions_of(request.tenant, flow).filter(number__lt=older)
    return list(found[: _REVISIONS + 1])


def _compare(request: PortalRequest, state: services.FlowState) -> HttpResponse:
    """Two revisions, the older one first as time went; without `with` one and the current."""
    current = state.revision
    chosen = [_revision(request, state.flow, "compare")]
    chosen.append(_revision(request, state.flow, "with") if "with" in request.GET else current)
    old, new = sorted(chosen, key=lambda revision: revision.number)
    changes = diff(graph_of(old), graph_of(new))
    may_ask = _may_ask(request, state.flow)
    return render(
        request,
        "callflows/compare.html",
        {
            "state": state,
            "current": current,
            "old": old,
            "new": new,
            "menu": services.revisions_of(request.tenant, state.flow)[:_MENU],
            # What calls could follow again.
            "restorable": [
                each for each in dict.fromkeys((old, new)) if may_ask and each.etag != current.etag
            ],
            "comparison": Comparison(
                changes,
                name=state.flow.name,
                old_label=str(old),
                new_label=str(new),
                names=services.names_in(request.tenant, changes.old, changes.new),
            ),
        },
    )


def _revision(request: PortalRequest, flow: CallFlow, name: str) -> Revision:
    return services.revision_of(request.tenant, flow, _positive(request.GET.get(name, "")))


def _positive(text: str) -> int:
    """0, which no revision has, for what is not a number of one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _may_ask(request: PortalRequest, flow: CallFlow) -> bool:
    return flow.status != CallFlow.Status.ARCHIVED and may_use_ai_access(request.membership.role)
