"""What AI hosts tried here, and how it ended: for the log, staff and the connection doctor."""

from __future__ import annotations

import logging

from django.http import HttpRequest
from oauth2_provider.models import Application

from cliqtel_portal.accounts.http import client_address
from cliqtel_portal.accounts.models import Tenant, User
from mcp_access.models import OAuthAttempt

logger = logging.getLogger(__name__)

Step = OAuthAttempt.Step


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


def _fit(text: str, length: int) -> str:
    clean = text.encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in clean)[:length]
