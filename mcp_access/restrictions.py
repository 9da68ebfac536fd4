"""What is left of a token's scopes after a severe alert."""

from __future__ import annotations

from datetime import datetime

from cliqtel_portal.accounts.permissions import scopes_of_tier


def left_of(scopes: frozenset[str], restricted_at: datetime | None) -> frozenset[str]:
    """All of them; of a restricted token's those of Discover, which only read."""
    return scopes if restricted_at is None else scopes & scopes_of_tier("discover")
