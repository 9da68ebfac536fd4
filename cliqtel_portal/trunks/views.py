from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_see_trunk_passwords
from cliqtel_portal.errors import InvalidArguments
from cliqtel_portal.trunks import network, services
from cliqtel_portal.trunks.errors import TrunkNotFound
from cliqtel_portal.trunks.forms import PbxSetupForm, RevealForm, TrunkFilterForm
from cliqtel_portal.trunks.models import Trunk
from cliqtel_portal.trunks.pbx.generate import pbx_setup
from cliqtel_portal.trunks.pbx.setup import Setup
from cliqtel_portal.trunks.reveals import has_password, reveals_of

_PER_PAGE = 50
# Fewer trunks are seen at a glance.
_FILTERS_FROM = 8
_NUMBERS = 12
_REVEALS = 10


@dataclass(frozen=True, kw_only=True)
class Row:
    trunk: Trunk
    number_count: int
    last_error: services.LastError | None


@require_safe
@portal_view()
def trunk_list(request: PortalRequest) -> HttpResponse:
    trunks = services.trunks_of(request.tenant)
    form = TrunkFilterForm(request.GET.dict())
    total = trunks.count()
    page = Paginator(form.narrow(trunks), _PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "trunks/list.html",
        {
            "page": page,
            "rows": _rows(page.object_list),
            "form": form,
            "total": total,
            "attention": trunks.needing_attention().count(),
            "has_filters": total > _FILTERS_FROM or form.is_used,
        },
    )


def _rows(trunks: Iterable[Trunk]) -> list[Row]:
    """The numbers are counted for these trunks only."""
    shown = list(trunks)
    counted = Trunk.objects.filter(pk__in=[trunk.pk for trunk in shown])
    counts = dict(counted.annotate(held=Count("numbers")).values_list("pk", "held"))
    return [
        Row(
            trunk=trunk,
            number_count=counts.get(trunk.pk, 0),
            last_error=services.last_error(trunk),
        )
        for trunk in shown
    ]


@require_safe
@portal_view()
def trunk_detail(request: PortalRequest, trunk_id: uuid.UUID) -> HttpResponse:
    return detail_page(request, trunk_or_404(request, trunk_id), reveal_form=RevealForm())


def detail_page(
    request: PortalRequest, trunk: Trunk, *, reveal_form: RevealForm, status: int = 200
) -> HttpResponse:
    """The trunk; with what is wrong where its password was asked for."""
    may_reveal = may_see_trunk_passwords(request.membership.role)
    numbers = trunk.numbers.for_tenant(request.tenant).order_by("e164")
    return render(
        request,
        "trunks/detail.html",
        {
            "config": services.sip_config(request.tenant, trunk.pk),
            "trunk": trunk,
            "network": network,
            "form": PbxSetupForm(trunk=trunk),
            "numbers": numbers.only("e164", "trunk")[:_NUMBERS],
            "number_count": numbers.count(),
            "has_password": has_password(trunk),
            "may_reveal": may_reveal,
            "reveal_form": reveal_form,
            "reveals": reveals_of(request.tenant, trunk)[:_REVEALS] if may_reveal else (),
        },
        status=status,
    )


@require_safe
@portal_view()
def trunk_setup(request: PortalRequest, trunk_id: uuid.UUID) -> HttpResponse:
    """The choices in the address, and what they make: nothing is stored."""
    trunk = trunk_or_404(request, trunk_id)
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
    trunk = trunk_or_404(request, trunk_id)
    setup = _setup(request, trunk, PbxSetupForm(request.GET, trunk=trunk))
    for each in setup.files if setup else ():
        if each.name == name:
            return HttpResponse(
                each.text,
                content_type=f"{each.mime}; charset=utf-8",
                headers={"Content-Disposition": f'attachment; filename="{each.name}"'},
            )
    raise Http404


def trunk_or_404(request: PortalRequest, trunk_id: uuid.UUID) -> Trunk:
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
