from __future__ import annotations

import logging
import uuid

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.callflows.errors import CallFlowNotFound, GraphUnreadableError
from cliqtel_portal.callflows.services import FlowState, flow_by_id, names_in
from cliqtel_portal.callflows.views_flow import drawn
from cliqtel_portal.number_page.calls import LOOKED_THROUGH, calls_about
from cliqtel_portal.number_page.messages import DAYS, counts_of, newest_messages, opt_outs_of
from cliqtel_portal.number_page.national_rules import sender_rule
from cliqtel_portal.number_types import Capability
from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.listing import capability_words
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.views import frame, told
from cliqtel_portal.trunks.services import last_error

logger = logging.getLogger(__name__)

_MOVES = 20
_TEXTS = (Capability.SMS, Capability.MMS, Capability.WHATSAPP)


@require_safe
@portal_view()
def routing(request: PortalRequest, number_id: uuid.UUID) -> HttpResponse:
    context = frame(request, number_id, tab="routing")
    number: PhoneNumber = context["number"]
    state = _flow_state(number)
    if state is not None:
        names = names_in(request.tenant, state.graph)
        context["drawing"] = drawn(state, names)
        context["narrow_drawing"] = drawn(state, names, is_narrow=True)
    moves = number.changes.filter(kind=NumberChange.Kind.ASSIGNED).newest_first()
    context |= {
        "state": state,
        "last_error": last_error(number.trunk) if number.trunk else None,
        "moves": [told(change) for change in moves[:_MOVES]],
    }
    return render(request, "numbers/routing.html", context)


@require_safe
@portal_view()
def messaging(request: PortalRequest, number_id: uuid.UUID) -> HttpResponse:
    """Who only reads sees peers masked, as on the page of all messages."""
    context = frame(request, number_id, tab="messaging")
    number: PhoneNumber = context["number"]
    is_masked = not may_use_ai_access(request.membership.role)
    texts = [one for one in _TEXTS if one.value in number.capabilities]
    opt_outs, opted_out = opt_outs_of(number, is_masked=is_masked)
    context |= {
        "channels": capability_words(texts),
        "counts": counts_of(number, timezone.now()),
        "days": DAYS,
        "rows": newest_messages(number, is_masked=is_masked),
        "opt_outs": opt_outs,
        "opted_out": opted_out,
        "sender": sender_rule(number.country, number.number_type) if texts else None,
    }
    return render(request, "numbers/messaging.html", context)


@require_safe
@portal_view(may_use_ai_access)
def activity(request: PortalRequest, number_id: uuid.UUID) -> HttpResponse:
    """The tenant's calls for its admins, for others their own."""
    context = frame(request, number_id, tab="activity")
    context |= {
        "calls": calls_about(request.membership, context["number"]),
        "looked_through": LOOKED_THROUGH,
    }
    return render(request, "numbers/activity.html", context)


def _flow_state(number: PhoneNumber) -> FlowState | None:
    """None too for a flow in which nothing is saved, or can't be read: its own page says so."""
    if number.call_flow_id is None:
        return None
    try:
        return flow_by_id(number.tenant, number.call_flow_id)
    except CallFlowNotFound:
        return None
    except GraphUnreadableError:
        logger.exception("call flow %s can't be shown", number.call_flow_id)
        return None
