"""Trunks of the demo tenants. Addresses and names are those reserved for documentation."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.trunks.credentials import set_password
from cliqtel_portal.trunks.models import Trunk, TrunkCredential
from cliqtel_portal.trunks.network import REGISTRAR


@transaction.atomic
def seed(tenants: Mapping[str, Tenant]) -> None:
    """The demo trunks are as below, registrations as of now; passwords stay. Idempotent."""
    for slug, trunks in _trunks().items():
        tenant = tenants[slug]
        for name, fields in trunks.items():
            trunk, _ = Trunk.objects.update_or_create(
                tenant=tenant,
                name=name,
                defaults={"registrar": REGISTRAR, "realm": REGISTRAR, **fields},
            )
            is_registering = trunk.authentication == Trunk.Authentication.REGISTRATION
            if is_registering and not TrunkCredential.objects.filter(trunk=trunk).exists():
                set_password(trunk, password=secrets.token_urlsafe(18))


def _registered(minutes_ago: int, user_agent: str, contact: str) -> dict[str, Any]:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    return {
        "registration_state": "registered",
        "registered_at": at,
        "registration_expires_at": at + timedelta(hours=1),
        "user_agent": user_agent,
        "contact_address": contact,
    }


def _lost(hours_ago: int, user_agent: str, contact: str, *, code: int) -> dict[str, Any]:
    now = timezone.now()
    return {
        **_registered(0, user_agent, contact),
        "registration_state": "unregistered",
        "registered_at": now - timedelta(hours=hours_ago + 1),
        "registration_expires_at": now - timedelta(hours=hours_ago),
        "last_sip_code": code,
        "last_sip_at": now - timedelta(minutes=3),
    }


def _trunks() -> dict[str, dict[str, dict[str, Any]]]:
    return {
        "acme": {
            "Amsterdam HQ": {
                "username": "acme-ams",
                "transports": ["tls"],
                "codecs": ["PCMA", "PCMU", "G722"],
                "srtp": "required",
                "channel_limit": 30,
                **_registered(12, "Asterisk PBX 22.4.0", "198.51.100.200:5061"),
            },
            "London office": {
                "username": "acme-lon",
                "transports": ["udp", "tcp", "tls"],
                "codecs": ["PCMA", "PCMU"],
                "srtp": "optional",
                "channel_limit": 10,
                **_lost(5, "3CX Phone System 20.0", "198.51.100.96:5060", code=403),
            },
        },
        "globex": {
            "Headquarters": {
                "username": "globex-hq",
                "transports": ["udp", "tcp"],
                "codecs": ["PCMU", "PCMA"],
                "channel_limit": 15,
                **_registered(41, "FreePBX 17.0", "198.51.100.77:5060"),
            },
        },
        "initech": {
            "Data centre A": {
                "authentication": "ip",
                "transports": ["tcp", "tls"],
                "codecs": ["opus", "G722", "PCMA", "PCMU"],
                "srtp": "optional",
                "channel_limit": 200,
                "allowed_ips": ["198.51.100.140", "198.51.100.141"],
            },
            "Teams SBC": {
                "username": "initech-teams",
                "transports": ["tls"],
                "codecs": ["G722", "PCMA", "PCMU"],
                "srtp": "required",
                "channel_limit": 100,
                **_registered(7, "AudioCodes Mediant SBC 7.60", "198.51.100.150:5061"),
            },
        },
    }
