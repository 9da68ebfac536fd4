"""Messaging: what was sent and received, what waits, and what is left of the day's limit."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_edit_policies, may_use_ai_access
from cliqtel_portal.messaging.forms import MessageFilterForm
from cliqtel_portal.messaging.models import Message, MessageBatch, OptOut
from cliqtel_portal.messaging.querysets import MessageQuerySet
from cliqtel_portal.messaging.services import daily_allowance
from cliqtel_portal.phone import display, mask_e164

_PER_PAGE = 50
_HELD_SHOWN = 5
_RECEIVERS_SHOWN = 100
_CURSOR = re.compile(r"([0-9]{1,18})\.([0-9a-f-]{36})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Row:
    """`peer` is not ours: viewers see it masked."""

    message: Message
    ours: str
    peer: str
    is_received: bool


@dataclass(frozen=True, kw_only=True)
class Page:
    """`before` and `after` are cursors of the neighbouring pages, "" where there is none."""

    rows: list[Row]
    before: str
    after: str


@require_safe
@portal_view()
def message_list(request: PortalRequest) -> HttpResponse:
    tenant, role = request.tenant, request.membership.role
    form = MessageFilterForm(request.GET.dict())
    found = form.narrow(Message.objects.for_tenant(tenant))
    page = _page(
        found,
        after=request.GET.get("after"),
        before=request.GET.get("before"),
        is_masked=not may_use_ai_access(role),
    )
    held = MessageBatch.objects.for_tenant(tenant).filter(state=MessageBatch.State.DRAFT)
    return render(
        request,
        "messaging/list.html",
        {
            "form": form,
            "page": page,
            "allowance": daily_allowance(tenant),
            "held": held.select_related("requested_by").order_by("-created_at")[:_HELD_SHOWN],
            "held_count": held.count(),
            "opt_outs": OptOut.objects.for_tenant(tenant).live().count(),
            "may_read_text": may_use_ai_access(role),
            "may_edit_limit": may_edit_policies(role),
        },
    )


@require_safe
@portal_view(may_use_ai_access)
def batch_detail(request: PortalRequest, batch_id: uuid.UUID) -> HttpResponse:
    """What was sent, and what became of it for each receiver."""
    batch = get_object_or_404(
        MessageBatch.objects.for_tenant(request.tenant).select_related("requested_by"), pk=batch_id
    )
    messages = batch.messages.order_by("to_number")
    counted = list(
        messages.order_by().values_list("status").annotate(count=Count("id")).order_by("-count")
    )
    labels = dict(Message.Status.choices)
    return render(
        request,
        "messaging/batch.html",
        {
            "batch": batch,
            "statuses": [(count, str(labels[status]).lower()) for status, count in counted],
            "messages_shown": messages[:_RECEIVERS_SHOWN],
            "more": max(0, sum(count for _, count in counted) - _RECEIVERS_SHOWN),
        },
    )


def _page(
    found: MessageQuerySet, *, after: str | None, before: str | None, is_masked: bool
) -> Page:
    """Newest first: those after or before a cursor; a cursor that isn't ours is ignored."""
    start, end = _cursor(after), _cursor(before)
    # A row value would do, but Django has none: the first condition lets the index in.
    if start:
        at, key = start
        found = found.filter(Q(created_at__lte=at) & (Q(created_at__lt=at) | Q(id__lt=key)))
    elif end:
        at, key = end
        found = found.filter(Q(created_at__gte=at) & (Q(created_at__gt=at) | Q(id__gt=key)))
    is_backward = bool(end and not start)
    order = ("created_at", "id") if is_backward else ("-created_at", "-id")
    read = list(found.select_related("batch__requested_by").order_by(*order)[: _PER_PAGE + 1])
    is_more = len(read) > _PER_PAGE
    shown = read[:_PER_PAGE]
    if is_backward:
        shown.reverse()
    return Page(
        rows=[_row(message, is_masked=is_masked) for message in shown],
        before=_name(shown[0]) if shown and (is_more if is_backward else start) else "",
        after=_name(shown[-1]) if shown and (is_more or is_backward) else "",
    )


def _row(message: Message, *, is_masked: bool) -> Row:
    is_received = message.direction == Message.Direction.INBOUND
    ours, peer = message.from_number, message.to_number
    if is_received:
        ours, peer = peer, ours
    return Row(
        message=message,
        ours=display(ours),
        peer=mask_e164(peer) if is_masked else display(peer),
        is_received=is_received,
    )


def _name(message: Message) -> str:
    return f"{(message.created_at - _EPOCH) // timedelta(microseconds=1)}.{message.pk}"


def _cursor(text: str | None) -> tuple[datetime, uuid.UUID] | None:
    match = _CURSOR.fullmatch(text or "")
    if match is None:
        return None
    try:
        return _EPOCH + timedelta(microseconds=int(match[1])), uuid.UUID(match[2])
    except (ValueError, OverflowError):
        return None
