"""From rows to graphs: which revision of a flow counts, and what it says."""

from __future__ import annotations

from cliqtel_portal.callflows.errors import CallFlowNotFound, GraphUnreadableError
from cliqtel_portal.callflows.graph import Graph, GraphError, parse
from cliqtel_portal.callflows.models import CallFlow, Change, Revision


def current_revision(flow: CallFlow) -> Revision:
    """Return the one calls follow, or the newest of a draft: what changes are drafted on.

    Raises:
        CallFlowNotFound: nothing is saved in the flow.
    """
    revision = flow.active_revision or (
        Revision.objects.filter(call_flow=flow).order_by("-number").first()
    )
    if revision is None:
        raise CallFlowNotFound(f"Nothing is saved in the call flow {flow.name} yet.")
    return revision


def graph_of(stored: Revision | Change) -> Graph:
    """Return the graph, also one that lint has errors for.

    Raises:
        GraphUnreadableError: it does not parse any more.
    """
    try:
        return parse(stored.graph, strict=False)
    except GraphError as error:
        raise GraphUnreadableError(
            f"The saved {stored} of a call flow can't be shown. Tell Cliqtel support."
        ) from error
