"""Where our side of every trunk is: what a PBX is set to and a firewall lets through."""

from __future__ import annotations

from dataclasses import dataclass

REGISTRAR = "sip.cliqtel.example"
PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}
# Calls come from all of these, whichever address a PBX registered with.
SIGNALLING_CIDRS = ("192.0.2.0/26", "198.51.100.0/26")
MEDIA_CIDRS = ("203.0.113.0/24",)
MEDIA_PORTS = (10_000, 59_999)  # UDP, both included
# The suite of RFC 4568 section 6.2; its keys travel in the SDP, hence only under TLS.
SRTP_SUITE = "AES_CM_128_HMAC_SHA1_80"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One way to reach the registrar."""

    transport: str
    port: int


def endpoints(transports: list[str]) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(transport=name, port=PORTS[name]) for name in transports)
