"""The tab that says where help is sent, and where admins change it."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_set_emergency_addresses
from cliqtel_portal.errors import NotFound, PortalError
from cliqtel_portal.number_page.national_rules import emergency_rule
from cliqtel_portal.numbers.models import EmergencyAddress, PhoneNumber
from cliqtel_portal.numbers.services.emergency import (
    NewAddress,
    add_address,
    may_have_address,
    use_address,
)
from cliqtel_portal.numbers.views import frame

_OFFERED = 500  # addresses; one that is further down is found by typing it again


class AddressForm(forms.Form):
    """An address in the number's country. The rules are the service's."""

    label = forms.CharField(
        label="Name of the place",
        required=False,
        max_length=80,
        help_text="For yourselves, to choose it for other numbers too.",
    )
    street = forms.CharField(label="Street", required=False, max_length=120)
    house_number = forms.CharField(
        label="House number with addition, or name", required=False, max_length=20
    )
    location = forms.CharField(
        label="Building, floor, room (optional)", required=False, max_length=80
    )
    postal_code = forms.CharField(label="Postcode", required=False, max_length=16)
    city = forms.CharField(label="Town", required=False, max_length=80)

    def add_problems(self, error: PortalError) -> None:
        """Put each beside its field; what has none of its own, above them."""
        for problem in error.problems:
            self.add_error(problem.field if problem.field in self.fields else None, problem.message)
        if not error.problems:
            self.add_error(None, error.message)


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view()
def emergency(request: PortalRequest, number_id: uuid.UUID) -> HttpResponse:
    """Everybody reads. What is posted is an address of the account, or a new one."""
    may_set = may_set_emergency_addresses(request.membership.role)
    context = frame(request, number_id, tab="emergency")
    number: PhoneNumber = context["number"]
    form = AddressForm()
    if request.method == "POST":
        if not may_set:
            return render(request, "accounts/not_permitted.html", status=403)
        form = AddressForm(request.POST if "street" in request.POST else None)
        if _is_set(request, number, form):
            return redirect("number_page:emergency", number.pk)
    context |= {
        "rule": emergency_rule(number.country),
        "may_set": may_set and may_have_address(number),
        "may_ask": not may_set and may_have_address(number),
        "form": form,
        "addresses": _addresses(number) if may_set else [],
    }
    return render(request, "numbers/emergency.html", context, status=422 if form.errors else 200)


def _is_set(request: PortalRequest, number: PhoneNumber, form: AddressForm) -> bool:
    """Whether the page is done with what was posted; else the form says what is wrong."""
    if form.is_bound and not form.is_valid():
        return False
    try:
        if form.is_bound:
            add_address(
                request.membership, number_id=number.pk, address=NewAddress(**form.cleaned_data)
            )
        else:
            use_address(request.membership, number_id=number.pk, address_id=_chosen(request))
    except PortalError as error:
        if form.is_bound and error.problems:
            form.add_problems(error)
            return False
        messages.error(request, error.message)
    else:
        messages.success(request, "Saved. Rely on it once this page says “Validated”.")
    return True


def _chosen(request: PortalRequest) -> uuid.UUID:
    """
    Raises:
        NotFound: nothing was chosen, or what is no address's id.
    """
    try:
        return uuid.UUID(request.POST.get("address", ""))
    except ValueError as error:
        raise NotFound("Choose an address.") from error


def _addresses(number: PhoneNumber) -> list[EmergencyAddress]:
    """Those that it could have instead of its own."""
    found = EmergencyAddress.objects.for_tenant(number.tenant).filter(country=number.country)
    others = found.exclude(pk=number.emergency_address_id) if number.emergency_address_id else found
    return list(others.order_by("label")[:_OFFERED])
