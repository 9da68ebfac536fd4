"""Trunks. Traits: `registered`, `refused` (its last registration got a 403), `by_ip`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import factory

from cliqtel_portal.trunks.models import Trunk
from tests.factories.accounts import TenantFactory

SEEN = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


class TrunkFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Trunk

    class Params:
        registered = factory.Trait(
            registration_state="registered",
            registered_at=SEEN,
            registration_expires_at=SEEN + timedelta(hours=1),
            user_agent="Asterisk PBX 22.4.0",
            contact_address="198.51.100.200:5061",
        )
        refused = factory.Trait(
            registration_state="unregistered",
            registered_at=SEEN,
            registration_expires_at=SEEN + timedelta(hours=1),
            last_sip_code=403,
            last_sip_at=SEEN + timedelta(hours=2),
        )
        by_ip = factory.Trait(authentication="ip", username="", allowed_ips=["198.51.100.140"])

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda n: f"Trunk {n:03}")
    username = factory.Sequence(lambda n: f"trunk-{n}")
    realm = "sip.cliqtel.example"
    registrar = "sip.cliqtel.example"
    transports = factory.LazyFunction(lambda: ["tls", "udp"])
    codecs = factory.LazyFunction(lambda: ["PCMA", "PCMU"])
