"""What the person must be told, on the pages of AI Access, until they dismiss it."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.errors import NotFound
from cliqtel_portal.notices.models import Notice
from cliqtel_portal.notices.services import mark_read

_MOST = 5


def unread(request: PortalRequest, *, about: str = "/") -> list[Notice]:
    """The person's newest in this tenant that lead to a page under `about`, for `_notices.html`."""
    found = Notice.objects.for_user(request.tenant, request.user).unread()
    if about != "/":
        found = found.filter(link__startswith=about)
    return list(found.newest_first()[:_MOST])


@require_POST
@portal_view(may_use_ai_access)
def notice_dismiss(request: PortalRequest, notice_id: uuid.UUID) -> HttpResponse:
    """It is read, and the person is back on the page that showed it. Idempotent."""
    try:
        mark_read(request.tenant, user=request.user, notice_id=notice_id)
    except NotFound as error:
        raise Http404 from error
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        target = reverse("mcp_access:overview")
    return HttpResponseRedirect(target)
