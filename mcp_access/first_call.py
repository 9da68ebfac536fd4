"""The moment that a new connection works: pages that wait for it are told."""

from __future__ import annotations

import uuid

from cliqtel_portal.notices.services import record_event
from mcp_access.models import AccessToken

EVENT = "token.used"


def tell(token_id: uuid.UUID) -> bool:
    """Open pages of the token's person hear that it was used, or called its first tool.

    Of an app it is told once: its later tokens, one an hour, are no news. False: nothing to tell.
    """
    token = AccessToken.objects.select_related("tenant", "user").filter(pk=token_id).first()
    if token is None:
        return False
    if token.kind == AccessToken.Kind.OAUTH:
        before = AccessToken.objects.for_tenant(token.tenant).exclude(pk=token.pk)
        of_app = before.filter(user=token.user_id, application=token.application_id)
        if of_app.exclude(last_used_tool="").exists():
            return False
    record_event(token.tenant, kind=EVENT, payload={"token_id": str(token.pk)}, user=token.user)
    return True
