"""AI Access → Alerts: what the log gave reason to say, for admins."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from audit import alert_words, alerts
from audit.models import Alert
from audit.services import last_calls_of_tokens
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_manage_all_tokens
from cliqtel_portal.errors import NotFound
from mcp_access import restricting
from mcp_access.models import AccessToken

_PER_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class AlertRow:
    """An alert in words, with the tones of its badges."""

    alert: Alert
    title: str
    sentence: str
    tone: str


@require_safe
@portal_view(may_manage_all_tokens)
def alert_list(request: PortalRequest) -> HttpResponse:
    found = Alert.objects.for_tenant(request.tenant).newest_first()
    page = Paginator(found, _PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": [_row(alert) for alert in page.object_list]}
    return render(request, "mcp_access/alert_list.html", context)


@require_safe
@portal_view(may_manage_all_tokens)
def alert_detail(request: PortalRequest, alert_id: uuid.UUID) -> HttpResponse:
    alert = _alert_or_404(request, alert_id)
    # Of this tenant: an alert copies the id, and rows of the log are read by it.
    tokens = AccessToken.objects.for_tenant(request.tenant)
    token = tokens.filter(pk=alert.token_id).first() if alert.token_id else None
    context = {
        "row": _row(alert),
        "alert": alert,
        "advice": alert_words.advice_of(alert),
        "token": token,
        "is_restricted": token is not None and restricting.is_restricted(token),
        "calls": last_calls_of_tokens([token.pk]) if token else [],
    }
    return render(request, "mcp_access/alert_detail.html", context)


@require_POST
@portal_view(may_manage_all_tokens)
def alert_acknowledge(request: PortalRequest, alert_id: uuid.UUID) -> HttpResponse:
    """Who comes second is told who was first."""
    _alert_or_404(request, alert_id)
    alert = alerts.acknowledge(request.membership, alert_id)
    if alert.acknowledged_by is None:
        messages.info(request, "It was over already.")
    elif alert.acknowledged_by_id == request.user.pk:
        messages.success(request, "Acknowledged. What comes anew is told again.")
    else:
        name = alert.acknowledged_by.display_name
        messages.info(request, f"It was acknowledged already, by {name}.")
    return redirect("mcp_access:alert-detail", alert_id)


@require_POST
@portal_view(may_manage_all_tokens)
def restriction_lift(request: PortalRequest, token_id: uuid.UUID) -> HttpResponse:
    """Of a static token, or of an app by any token of its sessions."""
    try:
        token = restricting.lift(request.membership, token_id)
    except NotFound as error:
        raise Http404 from error
    messages.success(request, "Lifted: it has its scopes back from the next call on.")
    if token.kind == AccessToken.Kind.STATIC:
        return redirect("mcp_access:token-detail", token_id)
    consent = restricting.consent_of(token)
    if consent is None:
        return redirect("mcp_access:alert-list")
    return redirect("mcp_access:app-detail", consent.pk)


def _row(alert: Alert) -> AlertRow:
    tone = ""
    if alert.state == Alert.State.OPEN:
        tone = "bad" if alert.severity == Alert.Severity.SEVERE else "warn"
    return AlertRow(
        alert=alert,
        title=alert_words.title_of(alert),
        sentence=alert_words.sentence_of(alert),
        tone=tone,
    )


def _alert_or_404(request: PortalRequest, alert_id: uuid.UUID) -> Alert:
    try:
        return alerts.get_alert(request.membership, alert_id)
    except NotFound as error:
        raise Http404 from error
