"""Tags of one number, and of many."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_tag_numbers
from cliqtel_portal.errors import PortalError
from cliqtel_portal.numbers.bulk import TagsForm, WhichNumbersForm, refuse, refuse_many
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.search_views import tell
from cliqtel_portal.numbers.services.tagging import change_tags


@require_POST
@portal_view(may_tag_numbers)
def tag_many(request: PortalRequest) -> HttpResponse:
    """All of them or none: `deed` is add or remove."""
    selection, form = WhichNumbersForm(request.POST), TagsForm(request.POST)
    if not (selection.is_valid() & form.is_valid()):
        refuse_many(request, selection, form)
        return selection.back()
    tags = form.cleaned_data["tags"]
    is_removal = request.POST.get("deed") == "remove"
    try:
        changed = change_tags(
            request.membership,
            number_ids=selection.ids(request.tenant),
            add=() if is_removal else tags,
            remove=tags if is_removal else (),
        )
    except PortalError as error:
        tell(request, [problem.message for problem in error.problems] or [error.message])
        refuse_many(request, selection, form)
        return selection.back()
    names = ", ".join(f"“{tag}”" for tag in tags)
    numbers = f"{changed:,} number{'' if changed == 1 else 's'}"
    if not changed:
        messages.info(request, "Nothing to change: they were so already.")
    elif is_removal:
        messages.success(request, f"{names} removed from {numbers}.")
    else:
        messages.success(request, f"{names} added to {numbers}.")
    return selection.back()


@require_POST
@portal_view(may_tag_numbers)
def tag_one(request: PortalRequest, number_id: uuid.UUID) -> HttpResponse:
    """The number has the tags as edited; what somebody else added or removed meanwhile stays."""
    number = get_object_or_404(PhoneNumber.objects.for_tenant(request.tenant), pk=number_id)
    form = TagsForm(request.POST)
    form.fields["tags"].required = False
    if not form.is_valid():
        refuse(request, form, tags=request.POST.get("tags", ""))
        return redirect("numbers:detail", number.pk)
    wanted, seen = form.cleaned_data["tags"], request.POST.getlist("was")
    try:
        change_tags(
            request.membership,
            number_ids=[number.pk],
            add=[tag for tag in wanted if tag not in seen],
            remove=[tag for tag in seen if tag not in wanted],
        )
    except PortalError as error:
        tell(request, [problem.message for problem in error.problems] or [error.message])
        refuse(request, tags=request.POST.get("tags", ""))
    else:
        messages.success(request, "Saved the tags.")
    return redirect("numbers:detail", number.pk)
