"""Taking what the Activity page shows out of the log."""

from __future__ import annotations

from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from audit.export import export_response
from audit.models import ToolCall
from audit.query import parse_query
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.errors import PortalError


@require_POST
@portal_view(may_use_ai_access)
def activity_export(request: PortalRequest) -> HttpResponseBase:
    """All calls that fit the filter and that the person may see, on all pages of the list."""
    typed = request.POST.get("q", "")
    try:
        query = parse_query(typed, zone=ZoneInfo(request.tenant.time_zone), now=timezone.now())
        return export_response(
            query.narrow(ToolCall.objects.visible_to(request.membership)),
            file_format=request.POST.get("format", ""),
            actor=request.user,
            tenant=request.tenant,
        )
    except PortalError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(f"{reverse('mcp_access:activity')}?{urlencode({'q': typed})}")
