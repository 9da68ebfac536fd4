"""Approving several of one kind: chosen in the inbox, summed up, then one click."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from approvals import services
from approvals.cards import Card, cards_of
from approvals.inbox import PER_PAGE
from approvals.models import Approval
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_decide_approvals
from cliqtel_portal.errors import PortalError
from cliqtel_portal.money import Money


@require_POST
@portal_view(may_decide_approvals)
def approval_bulk(request: PortalRequest) -> HttpResponse:
    """First the sum of what was chosen; with `confirmed` each is approved, by itself.

    One that can't be approved keeps no other back: the person is told which, and why.
    """
    chosen = _chosen(request.POST.getlist("approval"))
    found = Approval.objects.for_tenant(request.tenant).filter(pk__in=chosen).order_by("pk")
    cards = [
        card
        for card in cards_of(request.membership, found)
        if card.is_simple and card.digest == chosen[card.id]
    ]
    if len(cards) < len(chosen):
        messages.warning(request, "Some were decided, or changed, in the meantime. Look again.")
    elif not cards:
        messages.warning(request, "Tick what you want to approve together.")
    elif len({card.action for card in cards}) > 1:
        messages.warning(request, "Approve one kind at a time: those you ticked are different.")
    elif "confirmed" in request.POST:
        _approve(request, cards)
    else:
        return render(
            request,
            "approvals/bulk.html",
            {"cards": cards, "kind": cards[0].action_words, "totals": _totals(cards)},
        )
    return redirect("approvals:inbox")


def _chosen(values: Iterable[str]) -> dict[uuid.UUID, str]:
    """Digests by approval, as a row's box has them: "<id>.<digest>". Others are left out."""
    chosen = {}
    for value in list(values)[:PER_PAGE]:
        text, _, digest = value.partition(".")
        try:
            chosen[uuid.UUID(text)] = digest
        except ValueError:
            continue
    return chosen


def _approve(request: PortalRequest, cards: Iterable[Card]) -> None:
    approved = 0
    for card in cards:
        try:
            services.approve(request.membership, approval_id=card.id, seen_digest=card.digest)
        except PortalError as error:
            messages.warning(request, f"Not approved: “{card.title}”. {error.message}")
        else:
            approved += 1
    if approved:
        messages.success(request, f"You approved {approved}. They are on their way.")


def _totals(cards: Iterable[Card]) -> list[tuple[Money, Money, Money]]:
    """Once, a month, charged at once: one line for each currency."""
    sums: dict[str, tuple[Money, Money, Money]] = {}
    for card in cards:
        if card.cost is None:
            continue
        currency = card.cost.once.currency
        line = (card.cost.once, card.cost.monthly, card.cost.first_charge)
        if currency in sums:
            once, monthly, charge = sums[currency]
            line = (once + line[0], monthly + line[1], charge + line[2])
        sums[currency] = line
    return list(sums.values())
