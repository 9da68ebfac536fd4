"""What pages and tools ask about trunks. None of it touches a credential."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.trunks.errors import TrunkNotFound
from cliqtel_portal.trunks.models import Trunk
from cliqtel_portal.trunks.network import Endpoint, endpoints
from cliqtel_portal.trunks.querysets import TrunkQuerySet
from cliqtel_portal.trunks.sip_codes import SipExplanation, explain


@dataclass(frozen=True, kw_only=True)
class LastError:
    explanation: SipExplanation
    at: datetime


@dataclass(frozen=True, kw_only=True)
class SipConfig:
    """All that a PBX is set to, but for the password."""

    trunk: Trunk
    endpoints: tuple[Endpoint, ...]
    last_error: LastError | None


def trunks_of(tenant: Tenant) -> TrunkQuerySet:
    """The tenant's trunks by name."""
    return Trunk.objects.for_tenant(tenant).order_by("name", "id")


def get_trunk(tenant: Tenant, trunk_id: uuid.UUID) -> Trunk:
    """Return the tenant's trunk.

    Raises:
        TrunkNotFound: no such trunk in this tenant.
    """
    trunk = Trunk.objects.for_tenant(tenant).filter(pk=trunk_id).first()
    if trunk is None:
        raise TrunkNotFound(
            "There is no such trunk in this account. List the trunks to find its id."
        )
    return trunk


def sip_config(tenant: Tenant, trunk_id: uuid.UUID) -> SipConfig:
    """Return how to connect a PBX to the trunk, and the last failure in words.

    Raises:
        TrunkNotFound: no such trunk in this tenant.
    """
    trunk = get_trunk(tenant, trunk_id)
    return SipConfig(
        trunk=trunk, endpoints=endpoints(trunk.transports), last_error=last_error(trunk)
    )


def last_error(trunk: Trunk) -> LastError | None:
    if trunk.last_sip_code is None or trunk.last_sip_at is None:
        return None
    return LastError(explanation=explain(trunk.last_sip_code), at=trunk.last_sip_at)
