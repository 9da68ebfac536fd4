"""`/approvals/`: what waits, what was decided, what expired."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from approvals import inbox
from cliqtel_portal.accounts.http import PortalRequest, portal_view


@require_safe
@portal_view()
def approval_inbox(request: PortalRequest) -> HttpResponse:
    now = timezone.now()
    wanted = request.GET.get("tab", "")
    tab = inbox.Tab(wanted) if wanted in inbox.Tab.values else inbox.Tab.WAITING
    page = inbox.read_page(
        request.membership,
        tab,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
        now=now,
    )
    counts = inbox.counts(request.tenant, now)
    is_empty = tab == inbox.Tab.WAITING and not page.cards
    return render(
        request,
        "approvals/inbox.html",
        {
            "tab": tab,
            "tabs": [(one.value, one.label, counts[one]) for one in inbox.Tab],
            "page": page,
            # Two that one click is enough for can be approved together.
            "may_choose": sum(card.is_simple for card in page.cards) > 1,
            "last": inbox.last_decided(request.membership, now) if is_empty else None,
        },
    )
