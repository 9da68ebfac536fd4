from __future__ import annotations

import uuid

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.trunks import network, services
from cliqtel_portal.trunks.errors import TrunkNotFound

_PER_PAGE = 50


@require_safe
@portal_view()
def trunk_list(request: PortalRequest) -> HttpResponse:
    page = Paginator(services.trunks_of(request.tenant), _PER_PAGE).get_page(
        request.GET.get("page")
    )
    return render(request, "trunks/list.html", {"page": page})


@require_safe
@portal_view()
def trunk_detail(request: PortalRequest, trunk_id: uuid.UUID) -> HttpResponse:
    try:
        config = services.sip_config(request.tenant, trunk_id)
    except TrunkNotFound as error:
        raise Http404 from error
    return render(
        request,
        "trunks/detail.html",
        {"config": config, "trunk": config.trunk, "network": network},
    )
