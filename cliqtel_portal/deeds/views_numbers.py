"""What a person asks for on the pages of numbers. Deciding it is another page, another click."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.deeds.purchase_number import draft_order
from cliqtel_portal.deeds.requester import Requester
from cliqtel_portal.errors import PortalError
from cliqtel_portal.numbers.search_forms import SelectionForm
from cliqtel_portal.numbers.search_views import search_address, tell


@require_POST
@portal_view(may_use_ai_access)
def order(request: PortalRequest) -> HttpResponse:
    """The ticked numbers are held, and the page that shows their price asks whether to buy them."""
    form = SelectionForm(request.POST)
    if not form.is_valid():
        tell(request, [str(error) for errors in form.errors.values() for error in errors])
        return redirect(search_address(request))
    try:
        drafted = draft_order(
            Requester(tenant=request.tenant, user=request.user),
            numbers=form.ticked,
            trunk_id=form.cleaned_data["trunk"],
        )
    except PortalError as error:
        tell(request, [problem.message for problem in error.problems] or [error.message])
        return redirect(search_address(request))
    assert drafted.approval is not None, "it was no dry run"
    return redirect(f"/approvals/{drafted.approval.pk}/")
