"""Whose a request at the token endpoint was: the people who may read of it later."""

from __future__ import annotations

import uuid

from django.db.models import Q
from oauth2_provider.models import Application

from cliqtel_portal.accounts.models import Tenant, User
from mcp_access import tokens
from mcp_access.models import AccessToken, ConsumedCode, Grant, RefreshToken

Owner = tuple[Tenant | None, User | None]
NOBODY: Owner = (None, None)


def owner_of(application: Application | None, *, code: str = "", token: str = "") -> Owner:
    """The account and person that the code, or the token of either kind, was made for.

    Live or dead, but only if it was this app's: what a stranger holds proves nothing about whom
    the stranger's failure should be told.
    """
    if application is None:
        return NOBODY
    if token:
        checksum = tokens.digest(token)
        mine = Q(application=application, token_checksum=checksum)
        found = RefreshToken.objects.filter(mine).select_related("tenant", "user").first()
        found = found or AccessToken.objects.filter(mine).select_related("tenant", "user").first()
        return NOBODY if found is None else (found.tenant, found.user)
    return _owner_of_code(application, tokens.digest(code)) if code else NOBODY


def _owner_of_code(application: Application, digest: str) -> Owner:
    waiting = Grant.objects.filter(application=application, code=digest)
    found = waiting.select_related("tenant", "user").first()
    if found is not None:
        return found.tenant, found.user
    family: uuid.UUID | None = (
        ConsumedCode.objects.filter(application=application, pk=digest)
        .values_list("token_family", flat=True)
        .first()
    )
    session = RefreshToken.objects.filter(token_family=family) if family else None
    first = session.select_related("tenant", "user").first() if session is not None else None
    return NOBODY if first is None else (first.tenant, first.user)
