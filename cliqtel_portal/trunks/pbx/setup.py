"""What a platform's writer is given and what it gives back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Platform = Literal["3cx", "asterisk", "teams"]
Transport = Literal["udp", "tcp", "tls"]
Authentication = Literal["registration", "ip"]

PLATFORMS: dict[Platform, str] = {
    "3cx": "3CX V18 and V20",
    "asterisk": "Asterisk 18 and later, PJSIP",
    "teams": "Microsoft Teams, Direct Routing",
}
# Nothing that is generated holds a password: the person puts it in on the phone system.
PLACEHOLDER = "${CLIQTEL_SIP_PASSWORD}"


@dataclass(frozen=True, kw_only=True)
class SetupRequest:
    """One trunk and how the phone system is to use it. Checked: see `checks.py`."""

    trunk_name: str
    registrar: str
    realm: str
    username: str  # empty where authentication is "ip"
    codecs: tuple[str, ...]
    dtmf: str
    channel_limit: int
    signalling_cidrs: tuple[str, ...]
    media_cidrs: tuple[str, ...]
    media_ports: tuple[int, int]
    numbers: tuple[str, ...]  # E.164, the first is the main one
    transport: Transport
    port: int
    srtp: bool
    authentication: Authentication
    pbx_public_ip: str | None
    sbc_fqdn: str | None  # only for teams


@dataclass(frozen=True, kw_only=True)
class SetupFile:
    name: str
    mime: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class FirewallRule:
    """What the firewall before the phone system must let through; answers are implied."""

    direction: Literal["in", "out"]
    protocol: Literal["udp", "tcp"]
    peer: str
    ports: str
    purpose: str


@dataclass(frozen=True, kw_only=True)
class Check:
    """A command that tells whether it works, and what it should say."""

    command: str
    expect: str


@dataclass(frozen=True, kw_only=True)
class Setup:
    files: tuple[SetupFile, ...]
    steps: tuple[str, ...]
    firewall: tuple[FirewallRule, ...]
    verify_commands: tuple[Check, ...]
    warnings: tuple[str, ...]
