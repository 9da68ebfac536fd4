"""Connection doctor: why apps could not connect, and a test that plays the whole flow."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from cliqtel_portal.accounts.http import PortalRequest, client_address, portal_view
from cliqtel_portal.accounts.permissions import may_manage_all_tokens
from cliqtel_portal.accounts.throttle import usage
from mcp_access.oauth import doctor as attempts
from mcp_access.oauth import doctor_selftest
from mcp_access.oauth.doctor_selftest import Step, Visitor

_REPORT = "doctor_self_test"


@require_safe
@portal_view(may_manage_all_tokens)
def doctor(request: PortalRequest) -> HttpResponse:
    watches = attempts.watches_of(request.membership)
    failed_only = request.GET.get("show") == "failed"
    before = _uuid(request.GET.get("before", ""))
    now = timezone.now()
    context: dict[str, Any] = {
        "page": attempts.findings(
            request.membership, watches, failed_only=failed_only, before=before
        ),
        "failed_only": failed_only,
        "is_first": before is None,
        "watch": watches[0] if watches else None,
        "is_watching": bool(watches) and watches[0].ends_at > now,
        "address": client_address(request),
        "watch_minutes": settings.DOCTOR_WATCH_SECONDS // 60,
        "days": settings.OAUTH_ATTEMPT_DAYS,
        "endpoint": settings.MCP_RESOURCE_URL,
    }
    return render(request, "mcp_access/doctor.html", context | _report(request))


@require_POST
@portal_view(may_manage_all_tokens)
def doctor_watch(request: PortalRequest) -> HttpResponse:
    """Start, or start anew; on `stop` the watch that runs ends."""
    if "stop" in request.POST:
        attempts.stop_watch(request.membership)
        return redirect("mcp_access:doctor")
    address = client_address(request)
    if not address:
        messages.error(request, "Your address can't be seen, so nothing can be watched.")
    elif settings.TRUSTED_PROXIES == 0 and "X-Forwarded-For" in request.headers:
        # Everybody would have the proxy's address, and this admin would watch everybody.
        messages.error(
            request,
            f"A proxy hides your address: the portal sees {address} for everybody. Whoever runs "
            "the portal must set TRUSTED_PROXIES.",
        )
    else:
        attempts.start_watch(request.membership, address)
    return redirect("mcp_access:doctor")


@sensitive_variables("visitor")
@require_POST
@portal_view(may_manage_all_tokens)
def doctor_selftest_run(request: PortalRequest) -> HttpResponse:
    spent = usage(
        request,
        group="self-test",
        key=str(request.tenant.pk),
        rate=settings.RATE_LIMIT_SELF_TEST,
        count=True,
    )
    if spent.is_over:
        messages.warning(request, f"Run it again in {spent.retry_after} s: it was run often.")
        return redirect("mcp_access:doctor")
    visitor = Visitor(
        membership=request.membership,
        origin=f"{request.scheme}://{request.get_host()}",
        session_cookie=request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""),
    )
    steps = doctor_selftest.run(visitor)
    request.session[_REPORT] = {
        "tenant": str(request.tenant.pk),
        "at": timezone.now().isoformat(),
        "steps": [asdict(step) for step in steps],
    }
    return redirect("mcp_access:doctor")


def _report(request: PortalRequest) -> dict[str, Any]:
    """The last self-test of this session in this tenant."""
    report = request.session.get(_REPORT)
    if not report or report["tenant"] != str(request.tenant.pk):
        return {"steps": []}
    steps = [Step(**step) for step in report["steps"]]
    return {
        "steps": steps,
        "tested_at": datetime.fromisoformat(report["at"]),
        "failed_step": next((step for step in steps if step.state == "failed"), None),
        "milliseconds": sum(step.milliseconds for step in steps),
    }


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
