"""What a person does with a call flow on its page: ask for a revision, look at what waits."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from approvals.models import Approval
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.callflows.errors import CallFlowNotFound, RevisionNotFound
from cliqtel_portal.deeds import update_route
from cliqtel_portal.deeds.requester import Requester
from cliqtel_portal.errors import PortalError


@require_POST
@portal_view(may_use_ai_access)
def publish_revision(request: PortalRequest, call_flow_id: uuid.UUID, number: int) -> HttpResponse:
    """Ask for it; the approval's page, where it is decided, comes next."""
    try:
        asked = update_route.draft_publication(
            Requester(tenant=request.tenant, user=request.user),
            call_flow_id=call_flow_id,
            revision=number,
        )
    except (CallFlowNotFound, RevisionNotFound) as error:
        raise Http404 from error
    except PortalError as error:
        messages.error(request, error.message)
        return redirect("callflows:detail", call_flow_id)
    return redirect("flow_deeds:change", asked.draft.change.pk)


@require_safe
@portal_view()
def change_detail(request: PortalRequest, change_id: uuid.UUID) -> HttpResponse:
    """A change is shown where it is decided."""
    approvals = Approval.objects.for_tenant(request.tenant)
    approval = approvals.filter(artifact_id=change_id, action=update_route.ACTION).first()
    if approval is None:
        raise Http404
    return redirect("approvals:detail", approval.pk)
