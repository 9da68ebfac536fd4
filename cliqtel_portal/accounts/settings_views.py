"""Settings → Account: the clock and the way of writing of an account."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from cliqtel_portal.accounts.change_models import AccountChange
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_edit_account
from cliqtel_portal.accounts.services.region import set_region, time_zones
from cliqtel_portal.accounts.settings_forms import RegionForm, tell
from cliqtel_portal.errors import PortalError
from cliqtel_portal.formats import FORMATS

_CHANGES_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view(may_edit_account)
def account(request: PortalRequest) -> HttpResponse:
    tenant = request.tenant
    now = timezone.now().astimezone(ZoneInfo(tenant.time_zone))
    form = RegionForm(
        request.POST if request.method == "POST" else None,
        currency=tenant.currency,
        now=now,
        initial={"time_zone": tenant.time_zone, "number_format": tenant.number_format},
    )
    if request.method == "POST" and form.is_valid():
        try:
            set_region(
                request.membership,
                time_zone=form.cleaned_data["time_zone"],
                number_format=form.cleaned_data["number_format"],
            )
        except PortalError as error:
            tell(form, error)
        else:
            messages.success(request, "Saved. Every page of the account is written so from now on.")
            return redirect("settings-account")
    changes = list(
        AccountChange.objects.for_tenant(tenant)
        .select_related("by")
        .order_by("-at", "-id")[:_CHANGES_SHOWN]
    )
    for change in changes:
        if change.setting == AccountChange.Setting.NUMBER_FORMAT:
            change.before, change.after = (
                FORMATS[code].where if code in FORMATS else code
                for code in (change.before, change.after)
            )
    return render(
        request,
        "settings/account.html",
        {"form": form, "time_zones": time_zones(), "changes": changes},
        status=400 if form.errors else 200,
    )
