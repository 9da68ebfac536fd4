"""`/approvals/<uuid>/`: everything about one approval, and the decision."""

from __future__ import annotations

import json
import unicodedata
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from approvals import services
from approvals.cards import Card, cards_of
from approvals.errors import (
    AlreadyDecided,
    ApprovalExpired,
    PasswordRequired,
    PriceChanged,
)
from approvals.executors import executor_of, is_registered
from approvals.forms import DecisionForm
from approvals.models import Approval
from approvals.presentation import Presentation
from approvals.timeline import timeline_of
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.passwords import (
    TooManyPasswords,
    WrongPassword,
    confirm_password,
)
from cliqtel_portal.accounts.permissions import may_decide_approvals, may_use_ai_access
from cliqtel_portal.errors import PortalError
from cliqtel_portal.templatetags.portal import distance

_MINUTE = timedelta(minutes=1)


@require_safe
@portal_view()
def approval_detail(request: PortalRequest, approval_id: uuid.UUID) -> HttpResponse:
    return _page(request, _approval(request, approval_id))


@require_safe
@portal_view()
def approval_progress(request: PortalRequest, approval_id: uuid.UUID) -> HttpResponse:
    """How far it is, asked by an open page again and again.

    With `digest`, by one on which it waits: nothing, or that it no longer waits like that. Else by
    one on which it is being done, until that has ended: then the whole page is new.
    """
    card = _card(request, _approval(request, approval_id))
    seen = request.GET.get("digest")
    if seen is not None:
        if card.is_waiting and card.digest == seen:
            return HttpResponse(status=204)
        return render(request, "approvals/_changed.html", {"card": card})
    response = render(request, "approvals/_progress.html", {"card": card})
    if not card.is_under_way:
        response["HX-Refresh"] = "true"
    return response


@sensitive_post_parameters("password")
@require_POST
@portal_view(may_decide_approvals)
def approval_approve(request: PortalRequest, approval_id: uuid.UUID) -> HttpResponse:
    approval = _approval(request, approval_id)
    card = _card(request, approval)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _page(request, approval, form=form, status=422)
    try:
        password = form.cleaned_data["password"]
        if card.needs_password and password:
            confirm_password(request, request.user, password, outcome="Nothing was decided.")
        ruling = services.approve(
            request.membership,
            approval_id=approval.pk,
            seen_digest=form.cleaned_data["digest"],
            comment=form.cleaned_data["comment"],
            password_confirmed=card.needs_password and bool(password),
        )
    except (PasswordRequired, WrongPassword, TooManyPasswords) as error:
        form.add_error("password", error.message)
        return _page(request, approval, form=form, status=422)
    except PortalError as error:
        return _refused(request, approval, form, error)
    if ruling.missing:
        people = "person has" if ruling.missing == 1 else "people have"
        messages.success(request, f"You approved it. {ruling.missing} more {people} to.")
    else:
        messages.success(request, f"You approved “{approval.title}”.")
    return redirect(card.path)


@require_POST
@portal_view(may_decide_approvals)
def approval_reject(request: PortalRequest, approval_id: uuid.UUID) -> HttpResponse:
    approval = _approval(request, approval_id)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _page(request, approval, form=form, status=422)
    try:
        services.reject(
            request.membership, approval_id=approval.pk, comment=form.cleaned_data["comment"]
        )
    except PortalError as error:
        return _refused(request, approval, form, error)
    messages.success(request, f"You rejected “{approval.title}”. Nothing is done.")
    return redirect("approvals:detail", approval.pk)


@require_POST
@portal_view(may_use_ai_access)
def approval_cancel(request: PortalRequest, approval_id: uuid.UUID) -> HttpResponse:
    approval = _approval(request, approval_id)
    try:
        services.cancel(request.membership, approval_id=approval.pk)
    except PortalError as error:
        return _refused(request, approval, DecisionForm(), error)
    messages.success(request, f"You took back “{approval.title}”. Nothing is done.")
    return redirect("approvals:detail", approval.pk)


def _approval(request: PortalRequest, approval_id: uuid.UUID) -> Approval:
    return get_object_or_404(
        Approval.objects.for_tenant(request.tenant).select_related("requester"), pk=approval_id
    )


def _card(request: PortalRequest, approval: Approval, now: datetime | None = None) -> Card:
    return cards_of(request.membership, [approval], now)[0]


def _refused(
    request: PortalRequest, approval: Approval, form: DecisionForm, error: PortalError
) -> HttpResponse:
    """Who was late is shown the page as it is now; what can be put right keeps what was typed."""
    match error:
        case AlreadyDecided():
            messages.warning(request, _told(error))
        case ApprovalExpired() | PriceChanged():
            messages.warning(request, error.message)
        case _:
            approval.refresh_from_db()
            return _page(request, approval, form=form, refusal=error, status=409)
    return redirect("approvals:detail", approval.pk)


def _told(error: AlreadyDecided) -> str:
    gap = timezone.now() - error.decided_at
    seconds = max(0, int(gap.total_seconds()))
    when = f"{seconds} s" if gap < _MINUTE else distance(gap)
    who = f" by {error.decided_by}" if error.decided_by else ""
    word = "Taken back" if error.status == "cancelled" else error.status.capitalize()
    return f"{word}{who} {when} ago. Nothing was changed by you."


def _page(
    request: PortalRequest,
    approval: Approval,
    *,
    form: DecisionForm | None = None,
    refusal: PortalError | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    card = _card(request, approval, now)
    presentation = Presentation()
    if is_registered(approval.action):
        presentation = executor_of(approval.action).present(approval)
    context: dict[str, Any] = {
        "card": card,
        "approval": approval,
        "presentation": presentation,
        "deed": _deed(request, presentation),
        "arguments": readable_json(approval.arguments),
        "happenings": timeline_of(approval, card, list(approval.decisions.in_order()), now),
        # A digest typed back from an old page would be refused anyway: the page shows the new one.
        "form": form or DecisionForm(initial={"digest": card.digest}),
        "refusal": refusal,
    }
    return render(request, "approvals/detail.html", context, status=status)


def _deed(request: HttpRequest, presentation: Presentation) -> SafeString:
    """The executor's own part of the page: its template escapes, as every template does."""
    if not presentation.template:
        return SafeString("")
    return render_to_string(presentation.template, dict(presentation.context), request)


def readable_json(value: object) -> str:
    """As JSON, in which nothing is invisible or turns the direction of what follows."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n " or unicodedata.category(character)[0] not in "CZ":
        return character
    return json.dumps(character)[1:-1]
