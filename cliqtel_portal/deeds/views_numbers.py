"""What a person asks for on the pages of numbers. Deciding it is another page, another click."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.deeds.assign_number import draft_assign_number, draft_assign_numbers
from cliqtel_portal.deeds.forms import ConnectForm, GiveUpForm, TargetForm
from cliqtel_portal.deeds.purchase_number import draft_order
from cliqtel_portal.deeds.release_number import draft_release_number, plan_release_number
from cliqtel_portal.deeds.requester import Requester
from cliqtel_portal.errors import PortalError
from cliqtel_portal.numbers.bulk import WhichNumbersForm, refuse_many
from cliqtel_portal.numbers.models import PhoneNumber
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
            _person(request),
            numbers=form.ticked,
            trunk_id=form.cleaned_data["trunk"],
        )
    except PortalError as error:
        tell(request, [problem.message for problem in error.problems] or [error.message])
        return redirect(search_address(request))
    assert drafted.approval is not None, "it was no dry run"
    return redirect(f"/approvals/{drafted.approval.pk}/")


@require_POST
@portal_view(may_use_ai_access)
def connect(request: PortalRequest, number_id: uuid.UUID) -> HttpResponse:
    """Ask for it; the approval's page, where it is decided, comes next."""
    number = _number(request, number_id)
    form = ConnectForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose where calls are to go.")
        return redirect("numbers:detail", number.pk)
    kind, target_id = form.cleaned_data["target"]
    try:
        _, approval = draft_assign_number(
            _person(request),
            number=number.e164,
            target_kind=kind,
            target_id=target_id,
            if_currently=form.cleaned_data["if_currently"],
        )
    except PortalError as error:
        tell(request, [problem.message for problem in error.problems] or [error.message])
        return redirect("numbers:detail", number.pk)
    return redirect(f"/approvals/{approval.pk}/")


@require_POST
@portal_view(may_use_ai_access)
def connect_many(request: PortalRequest) -> HttpResponse:
    """Each move waits by itself; the inbox, where they can be approved together, comes next."""
    selection, form = WhichNumbersForm(request.POST), TargetForm(request.POST)
    if selection.is_valid() & form.is_valid():
        kind, target_id = form.cleaned_data["target"]
        try:
            approvals = draft_assign_numbers(
                _person(request),
                number_ids=selection.ids(request.tenant),
                target_kind=kind,
                target_id=target_id,
            )
        except PortalError as error:
            tell(request, [problem.message for problem in error.problems] or [error.message])
        else:
            if approvals:
                return redirect("approvals:inbox")
            messages.info(request, "Nothing to change: calls to them go there already.")
            return selection.back()
    refuse_many(request, selection, form)
    return selection.back()


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_use_ai_access)
def give_up(request: PortalRequest, number_id: uuid.UUID) -> HttpResponse:
    """What it would mean, and the number typed once more; another person decides."""
    number = _number(request, number_id)
    form = GiveUpForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            _, approval = draft_release_number(
                _person(request),
                number=number.e164,
                confirm_number=form.cleaned_data["confirm_number"],
            )
        except PortalError as error:
            for problem in error.problems:
                is_field = problem.field in form.fields
                form.add_error(problem.field if is_field else None, problem.message)
            if not error.problems:
                form.add_error(None, error.message)
        else:
            return redirect(f"/approvals/{approval.pk}/")
    planned = plan_release_number(_person(request), number=number.e164, confirm_number=number.e164)
    return render(
        request,
        "numbers/give_up.html",
        {"number": number, "planned": planned, "form": form},
    )


def _person(request: PortalRequest) -> Requester:
    return Requester(tenant=request.tenant, user=request.user)


def _number(request: PortalRequest, number_id: uuid.UUID) -> PhoneNumber:
    """Not one of the past: deeds go by the digits, and those may be back as another number."""
    numbers = PhoneNumber.objects.for_tenant(request.tenant)
    return get_object_or_404(numbers.exclude(status=PhoneNumber.Status.RELEASED), pk=number_id)
