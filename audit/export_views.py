"""A tenant's exports of its log, and the door to every file, staff's too."""

from __future__ import annotations

import uuid
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.signing import SignatureExpired
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from audit.criteria import are_only_of
from audit.export import file_response, link_of, link_opens, list_url
from audit.models import Export
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.models import Membership, User
from cliqtel_portal.accounts.permissions import may_manage_all_tokens, may_use_ai_access

# Who looks at a list with something under way sees it anew after so many seconds.
REFRESH_SECONDS = 5
_SHOWN = 50


@require_safe
@portal_view(may_use_ai_access)
def export_list(request: PortalRequest) -> HttpResponse:
    """The newest exports: everybody's for admins, else one's own. Links are for one's own only."""
    exports = Export.objects.for_tenant(request.tenant)
    sees_all = may_manage_all_tokens(request.membership.role)
    if not sees_all:
        exports = exports.filter(actor_id=request.user.pk)
    shown = list(exports[:_SHOWN])
    rows = [(export, _link(export, request.user)) for export in shown]
    context = {"rows": rows, "sees_all": sees_all, "hours": settings.EXPORT_FILE_HOURS}
    response = render(request, "audit/export_list.html", context)
    if any(export.is_open for export in shown):
        response.headers["Refresh"] = str(REFRESH_SECONDS)
    return response


@require_safe
@login_required
def export_file(request: HttpRequest, export_id: uuid.UUID) -> HttpResponseBase:
    """The file, by a link of one's own. Whoever else asks learns nothing of the export."""
    user = cast("User", request.user)
    export = Export.objects.filter(pk=export_id, actor_id=user.pk).first()
    if export is None or not _may_read(user, export):
        raise Http404
    try:
        if not link_opens(request.GET.get("link", ""), export_id=export_id, user=user):
            raise Http404
    except SignatureExpired:
        messages.info(request, "That link had its time. Here is a new one.")
        return HttpResponseRedirect(list_url(export))
    if is_there(export):
        try:
            return file_response(export)
        except FileNotFoundError:
            pass
    messages.info(request, "That file is no longer there. Export again.")
    return HttpResponseRedirect(list_url(export))


def is_there(export: Export) -> bool:
    """Whether the file can be had now."""
    if export.state != Export.State.DONE or export.expires_at is None:
        return False
    return export.expires_at > timezone.now()


def _link(export: Export, user: User) -> str:
    mine = export.actor_id == user.pk
    return link_of(export, user) if mine and is_there(export) else ""


def _may_read(user: User, export: Export) -> bool:
    """Whether the person may still see what is in it: people leave, and roles are taken back."""
    if export.tenant_id is None:
        return user.is_staff and user.has_perm("audit.view_toolcall")
    membership = Membership.objects.live().filter(user=user, tenant_id=export.tenant_id).first()
    if membership is None or not may_use_ai_access(membership.role):
        return False
    return may_manage_all_tokens(membership.role) or are_only_of(export.criteria, user_id=user.pk)
