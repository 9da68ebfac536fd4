"""Asterisk 18 and later with chan_pjsip: pjsip.conf, extensions.conf and rtp.conf.

Option names as in Asterisk's configuration reference of res_pjsip,
res_pjsip_outbound_registration and res_pjsip_endpoint_identifier_ip.
"""

from __future__ import annotations

from collections.abc import Iterable

from cliqtel_portal import phone
from cliqtel_portal.trunks.pbx.dialling import dialling_of
from cliqtel_portal.trunks.pbx.escaping import dialplan_word, pjsip_value, plain
from cliqtel_portal.trunks.pbx.firewall import towards_cliqtel
from cliqtel_portal.trunks.pbx.setup import PLACEHOLDER, Check, Setup, SetupFile, SetupRequest

_NAME = "cliqtel"
_TRANSPORT = "transport-cliqtel"
_RTP_PORTS = (10_000, 20_000)
_CODECS = {"PCMA": "alaw", "PCMU": "ulaw", "G722": "g722", "opus": "opus", "G729": "g729"}
_LOCAL_NETS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
_RING_SECONDS, _DIAL_SECONDS = 30, 60

Option = tuple[str, str]


def write(request: SetupRequest) -> Setup:
    return Setup(
        files=(
            SetupFile(name="pjsip.conf", mime="text/plain", text=_pjsip(request)),
            SetupFile(name="extensions.conf", mime="text/plain", text=_extensions(request)),
            SetupFile(name="rtp.conf", mime="text/plain", text=_rtp(request)),
        ),
        steps=tuple(_steps(request)),
        firewall=towards_cliqtel(request, media_ports=_RTP_PORTS),
        verify_commands=tuple(_checks(request)),
        warnings=tuple(_warnings(request)),
    )


def _section(name: str, kind: str, options: Iterable[Option], *, note: str = "") -> str:
    lines = [f"; {note}"] if note else []
    lines += [f"[{name}]", f"type={kind}"]
    lines += [f"{option}={pjsip_value(value)}" for option, value in options]
    return "\n".join(lines) + "\n"


def _pjsip(request: SetupRequest) -> str:
    head = (
        f"; Cliqtel trunk {plain(request.trunk_name)}\n"
        "; A second trunk on the same Asterisk needs other section names.\n"
    )
    sections = [_section(_TRANSPORT, "transport", _transport(request))]
    if request.authentication == "registration":
        sections += [
            _section(_NAME, "registration", _registration(request)),
            _section(
                _NAME,
                "auth",
                [
                    ("auth_type", "userpass"),
                    ("username", request.username),
                    ("password", PLACEHOLDER),
                ],
                note="Put the SIP password in: Asterisk expands no variables of the environment.",
            ),
        ]
    sections += [
        _section(_NAME, "aor", [("contact", _uri(request)), ("qualify_frequency", "60")]),
        _section(_NAME, "endpoint", _endpoint(request)),
        _section(
            _NAME,
            "identify",
            [("endpoint", _NAME), *(("match", cidr) for cidr in request.signalling_cidrs)],
            note="Calls come from all of these, whichever address the registration went to.",
        ),
    ]
    return "\n".join([head, *sections])


def _uri(request: SetupRequest, user: str = "") -> str:
    address = f"{user}@{request.registrar}" if user else request.registrar
    parameter = "" if request.transport == "udp" else f";transport={request.transport}"
    return f"sip:{address}:{request.port}{parameter}"


def _transport(request: SetupRequest) -> list[Option]:
    options = [("protocol", request.transport), ("bind", f"0.0.0.0:{request.port}")]
    if request.transport == "tls":
        options += [
            ("method", "tlsv1_2"),
            ("verify_server", "yes"),
            ("ca_list_file", "/etc/ssl/certs/ca-certificates.crt"),
        ]
        if request.authentication == "ip":
            # Without a registration whose connection could be used, Cliqtel connects to us.
            options += [
                ("cert_file", "/etc/asterisk/keys/pbx.crt"),
                ("priv_key_file", "/etc/asterisk/keys/pbx.key"),
            ]
    if request.pbx_public_ip:
        options += [("local_net", net) for net in _LOCAL_NETS]
        options += [
            ("external_media_address", request.pbx_public_ip),
            ("external_signaling_address", request.pbx_public_ip),
        ]
    return options


def _registration(request: SetupRequest) -> list[Option]:
    return [
        ("transport", _TRANSPORT),
        ("outbound_auth", _NAME),
        ("server_uri", _uri(request)),
        ("client_uri", f"sip:{request.username}@{request.registrar}"),
        ("contact_user", request.username),
        ("line", "yes"),
        ("endpoint", _NAME),
        ("expiration", "3600"),
        ("retry_interval", "60"),
        ("forbidden_retry_interval", "600"),
        ("max_retries", "10000"),
        ("auth_rejection_permanent", "no"),
    ]


def _endpoint(request: SetupRequest) -> list[Option]:
    codecs = ",".join(_CODECS[codec] for codec in request.codecs)
    options = [
        ("transport", _TRANSPORT),
        ("context", "from-cliqtel"),
        ("disallow", "all"),
        ("allow", codecs),
        ("aors", _NAME),
    ]
    if request.authentication == "registration":
        options += [("outbound_auth", _NAME), ("from_user", request.username)]
    options += [
        ("from_domain", request.registrar),
        ("send_pai", "yes"),
        ("trust_id_inbound", "yes"),
        ("direct_media", "no"),
        ("rtp_symmetric", "yes"),
        ("force_rport", "yes"),
        ("rewrite_contact", "yes"),
        ("dtmf_mode", request.dtmf),
        ("timers", "yes"),
        ("device_state_busy_at", str(request.channel_limit)),
    ]
    if request.srtp:
        options += [("media_encryption", "sdes"), ("media_encryption_optimistic", "no")]
    return options


def _extensions(request: SetupRequest) -> str:
    lines = [
        f"; Cliqtel trunk {plain(request.trunk_name)}",
        "",
        "[globals]",
        "; What rings when one of your numbers is called: change it to your phones or your queue.",
        "CLIQTEL_RING=PJSIP/100",
    ]
    numbers = [dialplan_word(number) for number in request.numbers]
    if numbers:
        lines += ["; Shown on calls out by phones that have no number of their own."]
        lines += [f"CLIQTEL_CALLER_ID={numbers[0]}"]
    lines += [
        "",
        "; Calls in. Included, because a context's own patterns are tried before these numbers.",
        "[from-cliqtel]",
        "include => cliqtel-numbers",
        "include => cliqtel-unknown",
        "",
        "[cliqtel-numbers]",
    ]
    for number in numbers:
        lines += _extension(number, [f"Dial(${{CLIQTEL_RING}},{_RING_SECONDS})", "Hangup()"])
    lines += ["", "[cliqtel-unknown]"]
    if request.authentication == "registration":
        user = dialplan_word(request.username)
        lines += [
            "; Where the called number stands in To only, the call arrives at the contact's user.",
            *_extension(
                user,
                [
                    "Set(CLIQTEL_TO=${PJSIP_HEADER(read,To)})",
                    "Set(CLIQTEL_TO=${CUT(CLIQTEL_TO,@,1)})",
                    "Set(CLIQTEL_TO=${CUT(CLIQTEL_TO,:,2)})",
                    "Goto(from-cliqtel,+${FILTER(0-9,${CLIQTEL_TO})},1)",
                ],
            ),
        ]
    lines += [
        "; 1: unallocated number.",
        "exten => _+X.,1,Hangup(1)",
        "",
        "; Calls out: include this context in the one of your phones.",
        "[to-cliqtel]",
        *_calls_out(numbers),
    ]
    return "\n".join(lines) + "\n"


def _calls_out(numbers: list[str]) -> list[str]:
    """Patterns to E.164. FILTER, because a dialled "&" or "," would be read by Dial."""
    if not numbers:
        return _extension("_+X.", [_dial("+${FILTER(0-9,${EXTEN})}"), "Hangup()"])

    caller_id = "Gosub(cliqtel-caller-id,s,1)"
    lines = _extension("_+X.", [caller_id, _dial("+${FILTER(0-9,${EXTEN})}"), "Hangup()"])
    dialling = dialling_of(numbers[0])
    if prefix := dialling.international:
        lines.append(f"exten => _{prefix}Z.,1,Goto(+${{FILTER(0-9,${{EXTEN:{len(prefix)}}})}},1)")
    if prefix := dialling.national:
        lines.append(
            f"exten => _{prefix}Z.,1,"
            f"Goto(+{dialling.country_code}${{FILTER(0-9,${{EXTEN:{len(prefix)}}})}},1)"
        )
    for short in dialling.emergency:
        lines += _extension(short, [caller_id, _dial(short), "Hangup()"])
    lines += [
        "",
        "; A phone's own number stays if it is one of yours: any other is refused with 403.",
        "[cliqtel-caller-id]",
    ]
    return lines + _extension(
        "s",
        [
            "Set(CLIQTEL_FROM=${FILTER(+0-9,${CALLERID(num)})})",
            "ExecIf($[${DIALPLAN_EXISTS(cliqtel-numbers,${CLIQTEL_FROM},1)} = 0]"
            "?Set(CLIQTEL_FROM=${CLIQTEL_CALLER_ID}))",
            "Set(CALLERID(num)=${CLIQTEL_FROM})",
            "Return()",
        ],
    )


def _extension(pattern: str, applications: list[str]) -> list[str]:
    first, *rest = applications
    return [f"exten => {pattern},1,{first}", *(f" same => n,{one}" for one in rest)]


def _dial(target: str) -> str:
    return f"Dial(PJSIP/{target}@{_NAME},{_DIAL_SECONDS})"


def _rtp(request: SetupRequest) -> str:
    return (
        f"; Cliqtel trunk {plain(request.trunk_name)}\n"
        "[general]\n"
        f"rtpstart={_RTP_PORTS[0]}\n"
        f"rtpend={_RTP_PORTS[1]}\n"
        "strictrtp=yes\n"
    )


def _steps(request: SetupRequest) -> Iterable[str]:
    yield (
        "Add the sections of pjsip.conf, extensions.conf and rtp.conf to the files of the same "
        "name in /etc/asterisk; keep what is yours. Only one transport can have a port."
    )
    if request.authentication == "registration":
        yield (
            f"On the server put the SIP password in place of {PLACEHOLDER} in pjsip.conf, and make "
            "the file readable for the user asterisk only (chmod 640). Never paste the password "
            "into a chat."
        )
    if request.transport == "tls" and request.authentication == "ip":
        yield (
            "Put the certificate of the PBX and its key where cert_file and priv_key_file say: "
            "Cliqtel connects to the PBX by TLS."
        )
    yield "Set CLIQTEL_RING in extensions.conf, and include to-cliqtel in your phones' context."
    yield "Open the firewall as listed, and switch SIP ALG off in the router."
    yield "Restart Asterisk once: a transport doesn't change on reload. Later: pjsip reload."
    yield "Run the checks below, then call one of your numbers from a mobile and call it back."


def _checks(request: SetupRequest) -> Iterable[Check]:
    if request.authentication == "registration":
        yield Check(
            command='asterisk -rx "pjsip show registrations"', expect=f"{_NAME} is Registered."
        )
    yield Check(
        command=f'asterisk -rx "pjsip show endpoint {_NAME}"',
        expect="The contact is Avail, and every signalling network stands at Identify.",
    )
    yield Check(
        command='asterisk -rx "dialplan show from-cliqtel"',
        expect="Each of your numbers is there.",
    )
    yield Check(
        command='asterisk -rx "pjsip set logger on"',
        expect="Every SIP message is shown; off again with pjsip set logger off.",
    )


def _warnings(request: SetupRequest) -> Iterable[str]:
    if request.pbx_public_ip is None:
        yield (
            "Behind NAT audio is one-way without the public address: give it, unless the server "
            "has that address itself."
        )
    for codec in ("opus", "G729"):
        if codec in request.codecs:
            yield (
                f"Asterisk passes {codec} through, but converts it only with the module "
                f"codec_{_CODECS[codec]}."
            )
    for number in request.numbers[:1]:
        if not dialling_of(number).emergency:
            yield (
                f"Add the emergency numbers of the country of {phone.display(number)} to "
                "to-cliqtel, without a prefix."
            )
