"""Taking scopes from a token that it does not need: a narrower one can harm less if it leaks."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.utils import timezone

from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted, Problem
from cliqtel_portal.notices.services import notify
from mcp_access.models import AccessToken
from mcp_access.services import TokenNotLive

logger = logging.getLogger(__name__)


@transaction.atomic
def narrow_token(actor: Membership, token_id: uuid.UUID, *, keep: Iterable[str]) -> list[str]:
    """The static token has only these of its scopes from its next call on; return what it lost.

    Never adds one. Members narrow their own, admins everyone's; the change is in the log of
    changes, and a person whose token an admin has narrowed is told. Idempotent.

    Raises:
        NotFound: not in the actor's tenant, or not theirs to see. TokenNotLive.
        InvalidArguments: none left, or one that it does not have. NotPermitted.
    """
    if not permissions.may_use_ai_access(actor.role):
        raise NotPermitted("Your role has no AI access. Ask an owner of the account.")
    found = AccessToken.objects.for_tenant(actor.tenant).static()
    if not permissions.may_manage_all_tokens(actor.role):
        found = found.filter(user=actor.user)
    locked = found.select_for_update(of=("self",)).select_related("user")
    token = locked.filter(pk=token_id).first()
    if token is None:
        raise NotFound("There is no such token.")
    if token.revoked_at is not None or token.expires <= timezone.now():
        raise TokenNotLive("This token is no longer live, so it has no scope to lose.")
    had, kept = set(token.scope.split()), set(keep)
    problems = [
        Problem(
            field="scopes", message=f"The token does not have {scope[:60]}. Rotating adds none."
        )
        for scope in sorted(kept - had)
    ]
    if not kept:
        problems.append(
            Problem(field="scopes", message="Keep at least one scope, or revoke the token.")
        )
    if problems:
        raise InvalidArguments("The scopes can't be taken as asked.", problems=problems)
    lost = sorted(had - kept)
    if lost:
        token.scope = " ".join(sorted(kept))
        token.save(update_fields=["scope", "updated"])
        LogEntry.objects.log_actions(
            actor.user.pk, [token], CHANGE, f"Scopes removed: {', '.join(lost)}."
        )
        logger.info("token %s lost %d scopes", token.pk, len(lost))
        if token.user_id != actor.user_id:
            _tell(actor, token, len(lost))
    return lost


def _tell(actor: Membership, token: AccessToken, count: int) -> None:
    notify(
        token.tenant,
        user=token.user,
        title=f"“{token.name}” lost {count} scope{'' if count == 1 else 's'}",
        body=f"{actor.user.display_name[:120]} removed what it did not need.",
        link=f"/numbers/ai-access/tokens/{token.pk}/",
    )
