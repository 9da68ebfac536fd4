"""Settings → Messaging limit: what AI hosts may send before a person has to approve."""

from __future__ import annotations

from decimal import Decimal

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_edit_policies
from cliqtel_portal.errors import PortalError
from cliqtel_portal.messaging.forms import LimitForm
from cliqtel_portal.messaging.models import MessagingLimitChange
from cliqtel_portal.messaging.services import daily_allowance, set_limit

_CHANGES_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view()
def limit(request: PortalRequest) -> HttpResponse:
    may_edit = may_edit_policies(request.membership.role)
    allowance = daily_allowance(request.tenant)
    form = LimitForm(
        request.POST or None,
        currency=request.tenant.currency,
        initial={
            "messages_per_day": allowance.messages_per_day,
            "amount_per_day": allowance.amount_per_day.amount.quantize(Decimal("0.01")),
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            set_limit(
                request.membership,
                messages_per_day=form.cleaned_data["messages_per_day"],
                amount_per_day=form.cleaned_data["amount_per_day"],
            )
        except PortalError as error:
            for problem in error.problems:
                form.add_error(problem.field, problem.message)
            if not error.problems:
                form.add_error(None, error.message)
        else:
            messages.success(request, "The limit is saved, and holds from now on.")
            return redirect("messaging-limit")
    changes = MessagingLimitChange.objects.for_tenant(request.tenant).select_related("set_by")
    return render(
        request,
        "settings/messaging.html",
        {
            "form": form,
            "allowance": allowance,
            "changes": changes.order_by("-at", "-id")[:_CHANGES_SHOWN],
            "may_edit": may_edit,
        },
        status=(400 if may_edit else 403) if form.errors else 200,
    )
