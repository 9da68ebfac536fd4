"""What the firewall before a PBX lets through, on the side of Cliqtel."""

from __future__ import annotations

from typing import Literal

from cliqtel_portal.trunks.pbx.setup import FirewallRule, SetupRequest


def towards_cliqtel(
    request: SetupRequest, *, media_ports: tuple[int, int]
) -> tuple[FirewallRule, ...]:
    """Signalling both ways and media both ways; `media_ports` are the PBX's own."""
    protocol: Literal["udp", "tcp"] = "udp" if request.transport == "udp" else "tcp"
    peers = ", ".join(request.signalling_cidrs)
    media = ", ".join(request.media_cidrs)
    word = request.transport.upper()
    return (
        FirewallRule(
            direction="out",
            protocol=protocol,
            peer=peers,
            ports=str(request.port),
            purpose=f"SIP over {word} to Cliqtel",
        ),
        FirewallRule(
            direction="in",
            protocol=protocol,
            peer=peers,
            ports=str(request.port),
            purpose=f"SIP over {word} from Cliqtel, all of these networks and nobody else",
        ),
        FirewallRule(
            direction="out",
            protocol="udp",
            peer=media,
            ports=f"{request.media_ports[0]}-{request.media_ports[1]}",
            purpose="Audio to Cliqtel",
        ),
        FirewallRule(
            direction="in",
            protocol="udp",
            peer=media,
            ports=f"{media_ports[0]}-{media_ports[1]}",
            purpose="Audio from Cliqtel",
        ),
    )
