"""The demo's notices."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.notices.models import Notice

_NAMESPACE = uuid.UUID("7c9b7a0e-0a55-4d7e-b2cb-0f4f0f1f6a03")
_Level = Notice.Level

_NOTICES: dict[str, list[tuple[Notice.Level, str, str, str, datetime]]] = {
    "acme": [
        (
            _Level.WARNING,
            "Trunk London office is not registered",
            "Calls to its numbers fail until the PBX registers again.",
            "/trunks/",
            datetime(2026, 10, 12, 7, 30, tzinfo=UTC),
        ),
        (
            _Level.ERROR,
            "A document was rejected: Trade registration, Berlin branch",
            "The address is outside the local area of 030.",
            "/numbers/",
            datetime(2026, 10, 9, 14, 5, tzinfo=UTC),
        ),
    ],
    "globex": [
        (
            _Level.INFO,
            "Connect an AI host",
            "Issue a token and let your AI host read your numbers.",
            "/numbers/ai-access/",
            datetime(2026, 10, 1, 9, tzinfo=UTC),
        ),
    ],
}


def seed(tenants: Mapping[str, Tenant]) -> None:
    """Adds what is missing; a notice that was read stays read."""
    Notice.objects.bulk_create(
        [
            Notice(
                id=uuid.uuid5(_NAMESPACE, f"{tenant.id} {title}"),
                tenant=tenant,
                level=level,
                title=title,
                body=body,
                link=link,
                created_at=created_at,
            )
            for slug, tenant in tenants.items()
            for level, title, body, link, created_at in _NOTICES.get(slug, [])
        ],
        ignore_conflicts=True,
    )
