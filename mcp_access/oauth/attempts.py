"""What AI hosts tried here, and how it ended: for the log, staff and the connection doctor."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from oauth2_provider.models import Application

from cliqtel_portal.accounts.http import client_address
from cliqtel_portal.accounts.models import Tenant, User
from mcp_access.models import OAuthAttempt

logger = logging.getLogger(__name__)

Step = OAuthAttempt.Step
FLOOD_WINDOW = timedelta(minutes=10)


def record(
    request: HttpRequest,
    step: OAuthAttempt.Step,
    *,
    reason: str = "",
    detail: str = "",
    application: Application | None = None,
    client_id: str = "",
    client_name: str = "",
    redirect_host: str = "",
    tenant: Tenant | None = None,
    user: User | None = None,
) -> None:
    """The attempt is on record; without a `reason` it went well. Never holds a code or a token."""
    if reason:
        logger.info("oauth %s refused: %s (%s)", step, reason, detail)
    OAuthAttempt.objects.create(
        step=step,
        ok=not reason,
        reason=_fit(reason, 40),
        detail=_fit(detail, 300),
        client_id=_fit(application.client_id if application else client_id, 255),
        client_name=_fit(application.name if application else client_name, 120),
        redirect_host=_fit(redirect_host, 255),
        tenant=tenant,
        user=user,
        address=client_address(request) or None,
        user_agent=_fit(request.headers.get("User-Agent", ""), 200),
    )


def record_flood(
    request: HttpRequest, step: OAuthAttempt.Step, *, reason: str, detail: str
) -> None:
    """One more refusal for the rate limit is on record: a row an address and window, and a count.

    Staff see who was refused and how often, and a flood can't fill the table that tells of it.
    """
    recent = OAuthAttempt.objects.filter(
        address=client_address(request) or None,
        step=step,
        reason=reason,
        at__gte=timezone.now() - FLOOD_WINDOW,
    )
    newest = recent.order_by("-id").values("pk")[:1]
    if OAuthAttempt.objects.filter(pk__in=newest).update(times=F("times") + 1):
        logger.info("oauth %s refused: %s (%s)", step, reason, detail)
    else:
        record(request, step, reason=reason, detail=detail)


def _fit(text: str, length: int) -> str:
    clean = text.encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in clean)[:length]
