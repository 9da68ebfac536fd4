"""Microsoft Teams Direct Routing: the PowerShell in the order that works, and the SBC's two sides.

https://learn.microsoft.com/microsoftteams/direct-routing-plan
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from cliqtel_portal.trunks.pbx.escaping import plain, powershell_string
from cliqtel_portal.trunks.pbx.firewall import towards_cliqtel
from cliqtel_portal.trunks.pbx.setup import (
    PLACEHOLDER,
    Check,
    FirewallRule,
    Setup,
    SetupFile,
    SetupRequest,
)

_TEAMS_HOSTS = (
    "sip.pstnhub.microsoft.com",
    "sip2.pstnhub.microsoft.com",
    "sip3.pstnhub.microsoft.com",
)
_TEAMS_CIDRS = "52.112.0.0/14, 52.122.0.0/15"
_TEAMS_SIP_PORT = 5061
_TEAMS_MEDIA_PORTS = "3478-3481, 49152-53247"
_SRTP_SUITE = "AES_CM_128_HMAC_SHA1_80"
# The SBC's own media ports: its maker's choice, this is a usual one.
_SBC_MEDIA_PORTS = (20_000, 29_999)
_CODECS = {"PCMA": "G.711 A-law", "PCMU": "G.711 U-law", "G722": "G.722", "G729": "G.729"}
_UNFILLED = "FILL-IN"


def write(request: SetupRequest) -> Setup:
    fqdn = request.sbc_fqdn
    if fqdn is None:
        raise ValueError("Teams needs the name of the SBC")
    return Setup(
        files=(
            SetupFile(name="cliqtel-teams.ps1", mime="text/plain", text=_powershell(request, fqdn)),
            SetupFile(name="sbc-settings.txt", mime="text/plain", text=_sbc(request, fqdn)),
        ),
        steps=tuple(_steps(request, fqdn)),
        firewall=(*_towards_teams(), *towards_cliqtel(request, media_ports=_SBC_MEDIA_PORTS)),
        verify_commands=tuple(_checks(fqdn)),
        warnings=tuple(_warnings(request)),
    )


def _powershell(request: SetupRequest, fqdn: str) -> str:
    """One command a step: gateway, usage, route, policy, then policy and number of each person."""
    quoted = powershell_string
    lines = [
        f"# Direct Routing by Cliqtel trunk {plain(request.trunk_name)}.",
        "# Needs PowerShell 7 and the module MicrosoftTeams.",
        "# Before it: the domain of the SBC is verified in your tenant and has a licensed user.",
        "$ErrorActionPreference = 'Stop'",
        f"$Sbc = {quoted(fqdn)}",
        "",
        "# Who gets which number: write the sign-in name of a person with a Teams Phone licence.",
        "$People = [ordered]@{",
        *(
            f"  {quoted(number)} = {quoted(f'{_UNFILLED}@your-domain')}"
            for number in request.numbers
        ),
        "}",
        f"if (@($People.Values) -like {quoted(f'{_UNFILLED}*')}) {{ throw 'Fill in People.' }}",
        "",
        "Connect-MicrosoftTeams",
        (
            f"New-CsOnlinePSTNGateway -Fqdn $Sbc -SipSignalingPort {_TEAMS_SIP_PORT} "
            f"-MaxConcurrentSessions {request.channel_limit} -ForwardCallHistory $true "
            "-ForwardPai $true -SendSipOptions $true -MediaBypass $false "
            "-FailoverTimeSeconds 10 -FailoverResponseCodes '408,503,504' -Enabled $true"
        ),
        "Set-CsOnlinePstnUsage -Identity Global -Usage @{Add='Cliqtel'}",
        (
            r"New-CsOnlineVoiceRoute -Identity 'Cliqtel' -NumberPattern '^\+' "
            "-OnlinePstnGatewayList $Sbc -OnlinePstnUsages 'Cliqtel' -Priority 1"
        ),
        "New-CsOnlineVoiceRoutingPolicy -Identity 'Cliqtel' -OnlinePstnUsages 'Cliqtel'",
        "",
        "# The policy must be known everywhere before it can be granted: wait if this fails.",
        "foreach ($Number in $People.Keys) {",
        "  Grant-CsOnlineVoiceRoutingPolicy -Identity $People[$Number] -PolicyName 'Cliqtel'",
        (
            "  Set-CsPhoneNumberAssignment -Identity $People[$Number] -PhoneNumber $Number "
            "-PhoneNumberType DirectRouting"
        ),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _sbc(request: SetupRequest, fqdn: str) -> str:
    codecs = [_CODECS[codec] for codec in request.codecs if codec in _CODECS]
    teams = [
        ("SBC name (CN or SAN of its certificate)", fqdn),
        ("Targets, in this order", ", ".join(_TEAMS_HOSTS)),
        ("Port and transport", f"{_TEAMS_SIP_PORT} TLS 1.2 or later, mutual"),
        ("Media", f"SRTP {_SRTP_SUITE}, required"),
        ("Codecs", "G.722, G.711 A-law, G.711 U-law"),
        ("Contact and Record-Route", f"{fqdn}, never an IP address"),
        ("From host, to Teams", fqdn),
        ("Options", "every 60 seconds to each target, and answered with 200"),
        ("REFER", "handled by the SBC"),
        ("Numbers", "E.164 with +, user=phone"),
    ]
    if request.pbx_public_ip:
        teams.insert(1, ("A record", f"{fqdn} to {request.pbx_public_ip}"))
    cliqtel = [
        ("Server", request.registrar),
        ("Port and transport", f"{request.port} {request.transport.upper()}"),
        ("Media", f"SRTP {_SRTP_SUITE}" if request.srtp else "RTP"),
        ("Codecs", ", ".join(codecs) or "G.711 A-law"),
        ("DTMF", {"rfc4733": "RFC 4733"}.get(request.dtmf, request.dtmf)),
        ("Calls at the same time", str(request.channel_limit)),
        ("From host, to Cliqtel", request.registrar),
        ("Caller ID", "the person's number in From and P-Asserted-Identity, E.164 with +"),
        ("Allow SIP from", ", ".join(request.signalling_cidrs)),
        ("Allow media from", ", ".join(request.media_cidrs)),
    ]
    if request.authentication == "registration":
        cliqtel[1:1] = [
            ("Authentication", "registration, every 600 seconds"),
            ("User name", request.username),
            ("Password", PLACEHOLDER),
            ("Realm", request.realm),
        ]
    else:
        cliqtel.insert(1, ("Authentication", f"by the address {request.pbx_public_ip}"))
    lines = [f"SBC {fqdn}: between Teams and the Cliqtel trunk {plain(request.trunk_name)}"]
    for title, fields in (("Towards Teams", teams), ("Towards Cliqtel", cliqtel)):
        lines += [
            "",
            f"[{title}]",
            *(f"{name}: {' '.join(value.split())}" for name, value in fields),
        ]
    return "\n".join(lines) + "\n"


def _towards_teams() -> tuple[FirewallRule, ...]:
    both: tuple[tuple[Literal["in", "out"], str], ...] = (
        ("out", "to Teams"),
        ("in", "from Teams"),
    )
    sip = (
        FirewallRule(
            direction=direction,
            protocol="tcp",
            peer=_TEAMS_CIDRS,
            ports=str(_TEAMS_SIP_PORT),
            purpose=f"SIP over TLS {words}; ranges, not single addresses",
        )
        for direction, words in both
    )
    return (
        *sip,
        FirewallRule(
            direction="out",
            protocol="udp",
            peer=_TEAMS_CIDRS,
            ports=_TEAMS_MEDIA_PORTS,
            purpose="Audio to Teams",
        ),
        FirewallRule(
            direction="in",
            protocol="udp",
            peer=_TEAMS_CIDRS,
            ports=f"{_SBC_MEDIA_PORTS[0]}-{_SBC_MEDIA_PORTS[1]}",
            purpose="Audio from Teams, to the media ports of the SBC",
        ),
    )


def _steps(request: SetupRequest, fqdn: str) -> Iterable[str]:
    domain = fqdn.partition(".")[2]
    yield (
        f"In the Microsoft 365 admin centre verify the domain {domain}, and give one user of that "
        "domain a licence. It can take a day until Teams knows it."
    )
    yield (
        f"Give the SBC a public address, an A record {fqdn}, and a certificate of a public "
        f"authority with {fqdn} in CN or SAN. It must trust the authorities that Microsoft uses."
    )
    if request.authentication == "registration":
        yield (
            "Set up the SBC with sbc-settings.txt. Put the SIP password in place of "
            f"{PLACEHOLDER} on the SBC; never paste it into a chat."
        )
    else:
        yield "Set up the SBC with sbc-settings.txt."
    yield "Open the firewall as listed."
    yield (
        "Give each person a Teams Phone licence, fill in $People in cliqtel-teams.ps1, and run it "
        "as a Teams administrator: gateway, usage, route, policy, then people. Once only: what "
        "exists already makes it stop."
    )
    yield "Set an emergency routing policy that sends 112, 999 or 911 to the same gateway."
    yield "Wait an hour, sign out of Teams and in again, then call a mobile and call back."


def _checks(fqdn: str) -> Iterable[Check]:
    yield Check(
        command=f"Get-CsOnlinePSTNGateway -Identity {powershell_string(fqdn)}",
        expect="Enabled: True.",
    )
    yield Check(
        command="Get-CsOnlineVoiceRoute -Identity 'Cliqtel'",
        expect="OnlinePstnGatewayList has the SBC.",
    )
    yield Check(
        command=(
            f"openssl s_client -connect {fqdn}:{_TEAMS_SIP_PORT} -servername {fqdn} "
            "-verify_return_error"
        ),
        expect="Verify return code: 0 (ok), with the whole chain.",
    )


def _warnings(request: SetupRequest) -> Iterable[str]:
    yield (
        "Transport, SRTP and authentication are chosen for the SBC's side towards Cliqtel. Towards "
        "Teams it is always TLS on port 5061 with SRTP."
    )
    if "opus" in request.codecs:
        yield "Teams has no Opus on this side: the SBC offers G.722 and G.711."
    yield (
        "The media ports of the SBC are its maker's choice: put yours in place of "
        f"{_SBC_MEDIA_PORTS[0]} to {_SBC_MEDIA_PORTS[1]} in the firewall."
    )
