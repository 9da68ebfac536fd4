"""Apps that people allowed, and their pages as a person calls them."""

from __future__ import annotations

import uuid
from typing import Any

from django.test import Client

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import AccessToken, Consent, RefreshToken
from tests.factories.oauth import make_application, make_session
from tests.mcp_access.oauth.host import Host

URL = "/numbers/ai-access/apps/"
OVERVIEW = "/numbers/ai-access/"


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def page_of(membership: Membership, path: str = URL) -> str:
    answer = signed_in(membership).get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def connect(
    membership: Membership,
    name: str = "Claude",
    *,
    application: Any = None,
    live: int = 1,
    **fields: Any,
) -> Consent:
    """An app that the person allowed, with so many live sessions."""
    application = application or make_application(name)
    values = {
        "tenant": membership.tenant,
        "user": membership.user,
        "application": application,
        "asked_scope": "mcp.inventory.read mcp.docs.read mcp.orders.draft",
        "scope": "mcp.inventory.read mcp.docs.read",
        "redirect_uri": "https://claude.ai/api/mcp/auth_callback",
    }
    consent = Consent.objects.create(**(values | fields))
    for _ in range(live):
        make_session(membership, application, family=uuid.uuid4())
    return consent


def detail(consent: Consent) -> str:
    return f"{URL}{consent.pk}/"


def revoke(membership: Membership, consent: Consent, **form: str) -> str:
    """What the person reads after the click."""
    answer = signed_in(membership).post(f"{detail(consent)}revoke/", form, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def revoke_all(membership: Membership, **form: str) -> str:
    return signed_in(membership).post(f"{URL}revoke-all/", form, follow=True).content.decode()


def is_live(consent: Consent) -> bool:
    whose = {"user": consent.user, "tenant": consent.tenant, "application": consent.application}
    refresh = RefreshToken.objects.filter(revoked__isnull=True, **whose).exists()
    access = AccessToken.objects.filter(revoked_at__isnull=True, **whose).exists()
    assert refresh == access
    return refresh


def replay(host: Host) -> None:
    """Somebody uses the first refresh token of the session once more."""
    used = host.tokens["refresh_token"]
    host.refresh(used)
    assert host.refresh(used).status_code == 400
