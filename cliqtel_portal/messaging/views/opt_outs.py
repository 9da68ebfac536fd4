"""Who wants no messages from which of our numbers."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.accounts.permissions import may_decide_approvals, may_use_ai_access
from cliqtel_portal.errors import NotFound, PortalError
from cliqtel_portal.messaging.forms import LONGEST_MENU, OptOutForm
from cliqtel_portal.messaging.models import OptOut
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.messaging.services import add_opt_out, end_opt_out
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.phone import display, mask_e164

_PER_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view()
def opt_out_list(request: PortalRequest) -> HttpResponse:
    """The list; a POST enters one."""
    role = request.membership.role
    may_edit = may_decide_approvals(role)
    numbers = _numbers(request.tenant)
    form = OptOutForm(request.POST or None, numbers=numbers)
    if request.method == "POST" and form.is_valid():
        try:
            made = add_opt_out(
                request.membership,
                our_number=form.cleaned_data["our_number"],
                peer_number=form.cleaned_data["peer_number"],
                channel=Channel(form.cleaned_data["channel"]),
            )
        except PortalError as error:
            _add_to(form, error)
        else:
            messages.success(request, f"{display(made.peer_number)} gets no more messages.")
            return redirect("messaging:opt-outs")
    rows = OptOut.objects.for_tenant(request.tenant).live().select_related("added_by")
    page = Paginator(rows.order_by("-since", "-id"), _PER_PAGE).get_page(request.GET.get("page"))
    show = display if may_use_ai_access(role) else mask_e164
    return render(
        request,
        "messaging/opt_outs.html",
        {
            "form": form,
            "has_numbers": bool(numbers),
            "page": page,
            "rows": [(row, show(row.peer_number)) for row in page.object_list],
            "may_edit": may_edit,
        },
        status=(400 if may_edit else 403) if form.errors else 200,
    )


@require_POST
@portal_view()
def opt_out_end(request: PortalRequest, opt_out_id: uuid.UUID) -> HttpResponse:
    try:
        ended = end_opt_out(request.membership, opt_out_id=opt_out_id)
    except NotFound as error:
        raise Http404 from error
    except PortalError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{display(ended.peer_number)} may get messages again.")
    return redirect("messaging:opt-outs")


def _numbers(tenant: Tenant) -> list[str]:
    """Those that can send something at all: a menu of them, and one more if there are more."""
    held = PhoneNumber.objects.for_tenant(tenant).exclude(status=PhoneNumber.Status.RELEASED)
    sending = held.filter(capabilities__overlap=[Channel.SMS.value, Channel.WHATSAPP.value])
    return list(sending.order_by("e164").values_list("e164", flat=True)[: LONGEST_MENU + 1])


def _add_to(form: OptOutForm, error: PortalError) -> None:
    for problem in error.problems:
        form.add_error(problem.field, problem.message)
    if not error.problems:
        form.add_error(None, error.message)
