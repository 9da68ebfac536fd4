"""What is wrong with a set-up that somebody asks for: everything at once, and what is only odd."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cliqtel_portal.errors import Problem
from cliqtel_portal.trunks.models import Trunk
from cliqtel_portal.trunks.pbx.setup import Authentication, Platform, SetupRequest, Transport

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
# New-CsOnlinePSTNGateway takes no longer name.
_FQDN_MAX_CHARS = 63
_LOCAL_DOMAINS = (
    "local",
    "localhost",
    "lan",
    "home",
    "internal",
    "intranet",
    "corp",
    "localdomain",
)
# Not `is_private`, which has the ranges for documentation too: those the demo uses.
_UNREACHABLE = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
    )
)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a person or a model asked for; None: as the trunk is set."""

    platform: Platform
    transport: Transport | None = None
    srtp: bool | None = None
    authentication: Authentication | None = None
    pbx_public_ip: str | None = None
    sbc_fqdn: str | None = None
    numbers: tuple[str, ...] = ()


def problems(trunk: Trunk, choices: Choices) -> list[Problem]:
    """All that keeps the set-up from working; the numbers are looked up elsewhere."""
    return [
        Problem(field=field, message=message)
        for field, message in (
            *_of_trunk(trunk),
            *_of_connection(trunk, choices),
            *_of_address(trunk, choices),
            *_of_sbc(choices),
        )
    ]


def _of_trunk(trunk: Trunk) -> Iterator[tuple[str, str]]:
    hosts = (trunk.registrar, trunk.realm)
    if not all(_HOST.fullmatch(host) for host in hosts) or (
        trunk.username and not _USERNAME.fullmatch(trunk.username)
    ):
        yield (
            "trunk_id",
            "Its user name, registrar or realm has characters that configuration files can't hold. "
            "Ask Cliqtel support to change it.",
        )


def _of_connection(trunk: Trunk, choices: Choices) -> Iterator[tuple[str, str]]:
    if choices.transport is not None and choices.transport not in trunk.transports:
        offered = ", ".join(trunk.transports)
        yield "transport", f"The trunk offers {offered} only; choose one of those."
    if choices.srtp is True and trunk.srtp == Trunk.Srtp.NONE:
        yield "srtp", "SRTP is off for this trunk. Leave it out, or ask Cliqtel to switch it on."
    if choices.srtp is False and trunk.srtp == Trunk.Srtp.REQUIRED:
        yield "srtp", "The trunk takes encrypted media only. Leave it out, or say true."
    if choices.authentication == "registration" and not trunk.username:
        yield (
            "authentication",
            "The trunk has no user name: it is known by its IP address. Use ip.",
        )


def _of_address(trunk: Trunk, choices: Choices) -> Iterator[tuple[str, str]]:
    if choices.pbx_public_ip is None:
        if (choices.authentication or trunk.authentication) == "ip":
            yield (
                "pbx_public_ip",
                "IP authentication needs the public address that calls come from. Give it, for "
                "example 198.51.100.140.",
            )
        return
    try:
        address = ipaddress.ip_address(choices.pbx_public_ip)
    except ValueError:
        yield "pbx_public_ip", "Not an IP address. Write it like 198.51.100.140."
        return
    if not isinstance(address, ipaddress.IPv4Address):
        yield "pbx_public_ip", "Our networks are IPv4. Give the public IPv4 address."
    elif any(address in network for network in _UNREACHABLE):
        yield (
            "pbx_public_ip",
            "That address can't be reached from outside. Give the public address of the router or "
            "firewall, as the internet sees it.",
        )


def _of_sbc(choices: Choices) -> Iterator[tuple[str, str]]:
    name = choices.sbc_fqdn
    if choices.platform != "teams":
        if name is not None:
            yield "sbc_fqdn", "Only Teams needs it; leave it out."
        return
    if name is None:
        yield "sbc_fqdn", "Teams needs the name of the SBC, for example sbc1.example.com."
    elif not _HOST.fullmatch(name.lower()) or name.rpartition(".")[2].isdigit():
        yield (
            "sbc_fqdn",
            "Not a full host name: letters, digits and hyphens in parts with dots between, like "
            "sbc1.example.com; no address, no wildcard.",
        )
    elif len(name) > _FQDN_MAX_CHARS:
        yield "sbc_fqdn", f"Teams takes names of at most {_FQDN_MAX_CHARS} characters."
    elif name.lower().endswith(".onmicrosoft.com"):
        yield (
            "sbc_fqdn",
            "Teams refuses names under onmicrosoft.com. Use a domain of your own that is verified "
            "in your Microsoft 365 tenant.",
        )
    elif name.lower().rpartition(".")[2] in _LOCAL_DOMAINS:
        yield (
            "sbc_fqdn",
            "No public authority signs a certificate for a local name. Use a public domain.",
        )


def warnings(trunk: Trunk, request: SetupRequest) -> Iterator[str]:
    """What works only half, or not yet, whatever the platform."""
    if trunk.status != Trunk.Status.ACTIVE:
        yield "The trunk is disabled: nothing connects until Cliqtel enables it."
    if request.authentication != trunk.authentication:
        known = "its IP address" if trunk.authentication == "ip" else "registration"
        yield (
            f"Cliqtel knows this trunk by {known} now. Ask Cliqtel support to change that before "
            "you switch."
        )
    elif request.authentication == "ip" and not _is_allowed(trunk, request.pbx_public_ip):
        allowed = ", ".join(trunk.allowed_ips)
        yield (
            f"{request.pbx_public_ip} isn't among the addresses of this trunk ({allowed}): calls "
            "from it are refused with 403 until Cliqtel adds it."
        )
    if request.srtp and request.transport != "tls":
        yield (
            f"SRTP without TLS: its keys travel readable over {request.transport.upper()}. "
            "Choose transport tls."
        )
    elif request.transport == "tls" and not request.srtp:
        yield "TLS without SRTP: the signalling is encrypted, but not what people say."
    elif request.transport != "tls":
        better = " The trunk offers TLS." if "tls" in trunk.transports else ""
        yield f"Neither signalling nor media is encrypted towards Cliqtel.{better}"
    if not request.numbers:
        yield (
            "No number leads to this trunk yet: assign one, then generate again. Calls out need "
            "a caller ID that is yours."
        )


def _is_allowed(trunk: Trunk, address: str | None) -> bool:
    if address is None:
        return False
    wanted = ipaddress.ip_address(address)
    for entry in trunk.allowed_ips:
        try:
            if wanted in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:
            continue
    return False
