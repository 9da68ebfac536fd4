"""Trunks. Traits: `registered`, `refused` (its last registration got a 403), `by_ip`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import factory

from cliqtel_portal.trunks.models import Trunk
from cliqtel_portal.trunks.pbx.setup import SetupRequest
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


def setup_request(**changed: Any) -> SetupRequest:
    """A checked request for any platform: TLS, SRTP, registration, two numbers."""
    fields: dict[str, Any] = {
        "trunk_name": "Amsterdam HQ",
        "registrar": "sip.cliqtel.example",
        "realm": "sip.cliqtel.example",
        "username": "acme-ams",
        "codecs": ("PCMA", "PCMU", "G722"),
        "dtmf": "rfc4733",
        "channel_limit": 30,
        "signalling_cidrs": ("192.0.2.0/26", "198.51.100.0/26"),
        "media_cidrs": ("203.0.113.0/24",),
        "media_ports": (10_000, 59_999),
        "numbers": ("+31201230900", "+31201230901"),
        "transport": "tls",
        "port": 5061,
        "srtp": True,
        "authentication": "registration",
        "pbx_public_ip": "198.51.100.200",
        "sbc_fqdn": "sbc1.example.com",
    }
    return SetupRequest(**{**fields, **changed})
