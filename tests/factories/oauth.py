"""Apps and the sessions that people gave them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from oauth2_provider.models import get_application_model

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import RefreshToken
from tests.factories.mcp_access import make_token


def make_application(name: str = "Claude") -> Any:
    return get_application_model().objects.create(
        name=name,
        client_type="public",
        authorization_grant_type="authorization-code",
        redirect_uris="https://claude.example/callback",
    )


def make_session(
    membership: Membership,
    application: Any,
    *,
    family: uuid.UUID | None = None,
    expires: datetime | None = None,
    created: datetime | None = None,
    revoked: datetime | None = None,
) -> RefreshToken:
    """A refresh token with its access token; the same `family` for one more of a session.

    `expires` is the access token's, `created` and `revoked` the refresh token's.
    """
    access, _ = make_token(
        membership,
        kind="oauth",
        application=application,
        name="",
        expires=expires or timezone.now() + timedelta(hours=1),
    )
    refresh = RefreshToken.objects.create(
        tenant=membership.tenant,
        user=membership.user,
        application=application,
        access_token=access,
        token_checksum=uuid.uuid4().hex * 2,
        token_family=family,
        revoked=revoked,
        scope=access.scope,
        expires_at=(created or timezone.now()) + timedelta(days=30),
    )
    if created is not None:
        RefreshToken.objects.filter(pk=refresh.pk).update(created=created)
    return refresh
