from __future__ import annotations

from typing import TYPE_CHECKING, Self

from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    from cliqtel_portal.trunks.models import (  # noqa: F401 - row types of the querysets
        CredentialReveal,
        Trunk,
    )


class TrunkQuerySet(TenantQuerySet["Trunk"]):
    """Start every read with `for_tenant`."""

    def registered(self) -> Self:
        return self.filter(status="active", registration_state="registered")

    def needing_attention(self) -> Self:
        """Calls to them can't arrive, and nobody wanted that."""
        return self.filter(status="active", authentication="registration").exclude(
            registration_state="registered"
        )


class CredentialRevealQuerySet(TenantQuerySet["CredentialReveal"]):
    """Start every read with `for_tenant`."""

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")
