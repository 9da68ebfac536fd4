"""3CX V18 and V20: what to enter in the generic SIP trunk, in 3CX's own words.

https://www.3cx.com/docs/manual/ names the tabs; 3CX imports no trunk of ours, so it is a list.
"""

from __future__ import annotations

from collections.abc import Iterable

from cliqtel_portal import phone
from cliqtel_portal.trunks.pbx.dialling import dialling_of
from cliqtel_portal.trunks.pbx.escaping import plain
from cliqtel_portal.trunks.pbx.firewall import towards_cliqtel
from cliqtel_portal.trunks.pbx.setup import (
    PLACEHOLDER,
    Check,
    FirewallRule,
    Setup,
    SetupFile,
    SetupRequest,
)

# What 3CX uses unless told otherwise.
_RTP_PORTS = (9_000, 10_999)
_CODECS = {
    "PCMA": "G.711 A-law",
    "PCMU": "G.711 U-law",
    "G722": "G.722",
    "opus": "OPUS",
    "G729": "G.729",
}
_DTMF = {"rfc4733": "RFC 2833", "info": "SIP INFO", "inband": "In-band"}

Field = tuple[str, str]


def write(request: SetupRequest) -> Setup:
    firewall = towards_cliqtel(request, media_ports=_RTP_PORTS)
    sections: list[tuple[str, list[Field]]] = [
        ("General", _general(request)),
        ("DIDs", [(f"DID {place}", each) for place, each in enumerate(request.numbers, 1)]),
        ("Inbound parameters", _inbound()),
        ("Outbound parameters", _outbound(request)),
        ("Outbound rules", list(_rules(request))),
        ("Options", _options(request)),
        ("Codecs", [(str(place), _CODECS[one]) for place, one in enumerate(request.codecs, 1)]),
        ("Firewall", list(_firewall(firewall))),
    ]
    lines = [
        f"3CX: trunk {plain(request.trunk_name)} of Cliqtel",
        f"Put the SIP password in place of {PLACEHOLDER} in 3CX itself.",
    ]
    for title, fields in sections:
        lines += ["", f"[{title}]", *(f"{name}: {_one_line(value)}" for name, value in fields)]
    return Setup(
        files=(
            SetupFile(
                name="3cx-trunk.txt", mime="text/plain", text="\n".join(lines).rstrip() + "\n"
            ),
        ),
        steps=tuple(_steps(request)),
        firewall=firewall,
        verify_commands=tuple(_checks(request)),
        warnings=tuple(_warnings(request)),
    )


def _one_line(value: str) -> str:
    return " ".join(value.split())


def _template(request: SetupRequest) -> str:
    by_ip = request.authentication == "ip"
    return "Generic SIP Trunk" if by_ip else "Generic VoIP Provider"


def _general(request: SetupRequest) -> list[Field]:
    by_ip = request.authentication == "ip"
    fields = [
        ("Country", "Generic"),
        ("Provider", _template(request)),
        ("Name", f"Cliqtel {plain(request.trunk_name)}"),
        ("Registrar/Server", request.registrar),
        ("Registrar port", str(request.port)),
        ("Outbound proxy", request.registrar),
        ("Outbound proxy port", str(request.port)),
        ("Number of SIM calls", str(request.channel_limit)),
        (
            "Type of authentication",
            "Do not require - IP based" if by_ip else "Register/Account based",
        ),
    ]
    if not by_ip:
        fields += [
            ("Authentication ID", request.username),
            ("Authentication password", PLACEHOLDER),
            ("3-way authentication", "off"),
        ]
    fields.append(("Main trunk number", request.numbers[0] if request.numbers else "none yet"))
    return fields


def _inbound() -> list[Field]:
    return [
        ("Called number", "Request-Line URI user part (To user part, if that shows the trunk)"),
        ("Caller number", "P-Asserted-Identity user part, else From user part"),
        ("Caller name", "From display name"),
    ]


def _outbound(request: SetupRequest) -> list[Field]:
    return [
        ("Outbound Caller ID", request.numbers[0] if request.numbers else "none yet"),
        ("Request-Line URI user part", "CalledNum"),
        ("To user part", "CalledNum"),
        ("From user part", "OutboundCallerID"),
        ("From host part", request.registrar),
        ("P-Asserted-Identity user part", "OutboundCallerID"),
        ("Remote-Party-ID user part", "OutboundCallerID"),
        ("Contact user part", "OutboundCallerID" if not request.username else "AuthID"),
    ]


def _rules(request: SetupRequest) -> Iterable[Field]:
    if not request.numbers:
        yield "Rule 1", 'calls to numbers that start with "+": strip 0, prepend nothing'
        return
    dialling = dialling_of(request.numbers[0])
    rules = []
    if dialling.emergency:
        rules.append(f"emergency, numbers {', '.join(dialling.emergency)}: strip 0, no prefix")
    rules.append('calls to numbers that start with "+": strip 0, prepend nothing')
    if prefix := dialling.international:
        rules.append(f'numbers that start with "{prefix}": strip {len(prefix)}, prepend +')
    if prefix := dialling.national:
        rules.append(
            f'numbers that start with "{prefix}": strip {len(prefix)}, '
            f"prepend +{dialling.country_code}"
        )
    for place, rule in enumerate(rules, 1):
        yield f"Rule {place}", rule


def _options(request: SetupRequest) -> list[Field]:
    fields = [
        ("Allow inbound calls", "on"),
        ("Allow outbound calls", "on"),
        ("PBX delivers audio", "on"),
        ("Supports Re-Invite", "off"),
        ("Support Replaces", "off"),
        ("Disable video calls", "on"),
        ("Transport protocol", request.transport.upper()),
        ("SRTP", "on, AES_CM_128_HMAC_SHA1_80" if request.srtp else "off"),
        ("DTMF", _DTMF[request.dtmf]),
        ("Put public IP in SIP Via header", request.pbx_public_ip or "default public IP"),
        ("IP in Contact", "external"),
    ]
    if request.authentication == "registration":
        fields.append(("Re-register timeout", "600 seconds"))
    if request.transport == "tls":
        fields.append(("TLS root certificate", "the CA of the Cliqtel certificate, if asked for"))
    return fields


def _firewall(rules: Iterable[FirewallRule]) -> Iterable[Field]:
    for place, rule in enumerate(rules, 1):
        yield (
            f"Rule {place}",
            f"{rule.direction} {rule.protocol} {rule.ports}, {rule.peer} ({rule.purpose})",
        )


def _steps(request: SetupRequest) -> Iterable[str]:
    yield (
        "In the 3CX admin console open Voice & Chat, choose Add Trunk, country Generic, "
        f"{_template(request)}."
    )
    yield "Enter the values of 3cx-trunk.txt, section by section."
    if request.authentication == "registration":
        yield (
            f"Enter the SIP password where the file says {PLACEHOLDER}. Never paste it into a chat."
        )
    yield "Choose where calls go in and out of office hours, and save."
    yield "Add the outbound rules in the order of the file: the emergency rule is the first."
    yield "Open the firewall as listed, switch SIP ALG off, and run the 3CX Firewall Checker."
    yield "The trunk turns green. Call one of your numbers from a mobile, and call it back."


def _checks(request: SetupRequest) -> Iterable[Check]:
    yield Check(
        command=f"nslookup {request.registrar}", expect="An address, on the 3CX machine itself."
    )
    if request.transport == "tls":
        yield Check(
            command=(
                f"openssl s_client -connect {request.registrar}:{request.port} "
                f"-servername {request.registrar} -verify_return_error"
            ),
            expect="Verify return code: 0 (ok).",
        )


def _warnings(request: SetupRequest) -> Iterable[str]:
    if request.pbx_public_ip is None:
        yield "3CX needs a fixed public address: the Firewall Checker must pass before you go on."
    if "opus" in request.codecs:
        yield "3CX offers OPUS on trunks in some editions only: leave it out if it isn't listed."
    if request.dtmf != "rfc4733":
        yield "3CX sends DTMF by RFC 2833: ask Cliqtel support to set the trunk to RFC 4733."
    if request.numbers and not dialling_of(request.numbers[0]).emergency:
        yield (
            f"Add the emergency numbers of the country of {phone.display(request.numbers[0])} as "
            "the first outbound rule."
        )
