"""Who is behind one call: tenant, person, token, client, scopes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from cliqtel_portal.accounts.models import Tenant, User


@dataclass(frozen=True, kw_only=True)
class Principal:
    """`tenant` and `user` are built from the authentication row, not loaded: never save them."""

    tenant: Tenant
    user: User
    role: str
    token_id: uuid.UUID
    token_name: str
    token_kind: str
    token_expires_at: datetime
    # OAuth: the client's id and self-declared name. Static: empty.
    client_id: str
    client_name: str
    # What the token was given, and what of it role and tier allow at this moment.
    granted_scopes: frozenset[str]
    scopes: frozenset[str]
    # Tool calls a minute for this token: its own limit, within the tenant's.
    burst_per_minute: int
    # Tool calls a month for the tenant; None is unlimited. `hard`: refuse beyond.
    calls_per_month: int | None
    month_is_hard: bool
    connections: int | None
    address: str
    # A severe alert took all but reading from the token, until an admin lifts that.
    is_restricted: bool = False
