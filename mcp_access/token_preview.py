"""A rehearsal of issuing a token, for the review before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from cliqtel_portal.accounts.models import Membership
from mcp_access.services import IssuedToken, issue_token


@dataclass(frozen=True, kw_only=True)
class TokenRequest:
    """What a person asks for, in the terms of `issue_token`."""

    name: str
    note: str
    scopes: Sequence[str]
    expires_at: datetime
    allowed_cidrs: Sequence[str]
    not_before: datetime | None
    burst_per_minute: int | None

    def issue(self, actor: Membership) -> IssuedToken:
        """As `issue_token`."""
        return issue_token(
            actor,
            name=self.name,
            note=self.note,
            scopes=self.scopes,
            expires_at=self.expires_at,
            allowed_cidrs=self.allowed_cidrs,
            not_before=self.not_before,
            burst_per_minute=self.burst_per_minute,
        )


def check_token(actor: Membership, request: TokenRequest) -> None:
    """Return if the token could be issued now; nothing is made.

    The token is made and taken back, so review and creation can't have different rules.

    Raises:
        InvalidArguments, ConnectionLimitReached, NotPermitted: as `issue_token`.
    """
    with transaction.atomic():
        request.issue(actor)
        transaction.set_rollback(True)
