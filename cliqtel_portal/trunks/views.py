from __future__ import annotations

import uuid

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.errors import InvalidArguments
from cliqtel_portal.trunks import network, services
from cliqtel_portal.trunks.errors import TrunkNotFound
from cliqtel_portal.trunks.forms import PbxSetupForm
from cliqtel_portal.trunks.models import Trunk
from cliqtel_portal.trunks.pbx.generate import pbx_setup
from cliqtel_portal.trunks.pbx.setup import Setup

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
        {
            "config": config,
            "trunk": config.trunk,
            "network": network,
            "form": PbxSetupForm(trunk=config.trunk),
        },
    )


@require_safe
@portal_view()
def trunk_setup(request: PortalRequest, trunk_id: uuid.UUID) -> HttpResponse:
    """The choices in the address, and what they make: nothing is stored."""
    trunk = _trunk(request, trunk_id)
    form = PbxSetupForm(request.GET or None, trunk=trunk)
    setup = _setup(request, trunk, form)
    return render(
        request,
        "trunks/setup.html",
        {"trunk": trunk, "form": form, "setup": setup, "query": request.GET.urlencode()},
        status=400 if form.errors else 200,
    )


@require_safe
@portal_view()
def trunk_setup_file(request: PortalRequest, trunk_id: uuid.UUID, name: str) -> HttpResponse:
    """One file of what `trunk_setup` shows for the same choices, as a download."""
    trunk = _trunk(request, trunk_id)
    setup = _setup(request, trunk, PbxSetupForm(request.GET, trunk=trunk))
    for each in setup.files if setup else ():
        if each.name == name:
            return HttpResponse(
                each.text,
                content_type=f"{each.mime}; charset=utf-8",
                headers={"Content-Disposition": f'attachment; filename="{each.name}"'},
            )
    raise Http404


def _trunk(request: PortalRequest, trunk_id: uuid.UUID) -> Trunk:
    try:
        return services.get_trunk(request.tenant, trunk_id)
    except TrunkNotFound as error:
        raise Http404 from error


def _setup(request: PortalRequest, trunk: Trunk, form: PbxSetupForm) -> Setup | None:
    """None where nothing was chosen yet, or it can't be made: the form says why."""
    if not form.is_valid():
        return None
    try:
        return pbx_setup(request.tenant, trunk.pk, choices=form.choices())
    except InvalidArguments as error:
        form.add_problems(error.problems)
        return None
