"""Who asks for a deed: a person on a page, or an AI host through a person's token."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from cliqtel_portal.accounts.models import Tenant, User


@dataclass(frozen=True, kw_only=True)
class Requester:
    """`token_id`, `token_label`, `client_label` and `call_id` only where a tool call drafts."""

    tenant: Tenant
    user: User
    token_id: uuid.UUID | None = None
    token_label: str = ""
    client_label: str = ""
    call_id: uuid.UUID | None = None

    @property
    def is_ai_host(self) -> bool:
        return self.token_id is not None
