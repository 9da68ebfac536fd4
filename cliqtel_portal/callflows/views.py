from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.callflows import services
from cliqtel_portal.callflows.forms import FlowFilterForm
from cliqtel_portal.callflows.listing import counts_of, flows_of, numbers_page, shown_flows
from cliqtel_portal.callflows.models import CallFlow

_PER_PAGE = 50


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
