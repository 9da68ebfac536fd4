from __future__ import annotations

import uuid
from typing import Literal

from django.conf import settings
from pydantic import Field

from cliqtel_portal.trunks import network, services
from mcp_access.tools.annotations import READ
from mcp_access.tools.fields import timestamp
from mcp_access.tools.tool import Answer, Arguments, Context, Part, Result, tool


class GetSipConfigArguments(Arguments):
    trunk_id: uuid.UUID = Field(description="From list_inventory kind trunks.")


class TransportPart(Part):
    transport: Literal["udp", "tcp", "tls"]
    port: int


class SrtpPart(Part):
    mode: Literal["none", "optional", "required"]
    suite: str | None = Field(default=None, description="SDES suite, where SRTP is used.")


class MediaPart(Part):
    cidrs: list[str]
    udp_port_from: int
    udp_port_to: int


class RegistrationPart(Part):
    state: Literal["registered", "unregistered", "expired", "never", "not_used"] = Field(
        description="not_used: the trunk is known by its IP address."
    )
    registered_at: str | None = Field(default=None, description="Last success, RFC 3339 UTC.")
    user_agent: str | None = Field(default=None, description="What the phone system calls itself.")
    contact: str | None = Field(default=None, description="Address that it registered.")


class LastErrorPart(Part):
    code: int = Field(description="SIP status code.")
    name: str
    at: str
    meaning: str
    what_to_do: str


class GetSipConfigResult(Result):
    trunk_id: str | None = None
    name: str | None = None
    trunk_status: Literal["active", "disabled"] | None = None
    authentication: Literal["registration", "ip"] | None = None
    registrar: str | None = None
    port: int | None = Field(default=None, description="Port of the first transport.")
    transports: list[TransportPart] = Field(default_factory=list, description="First is preferred.")
    username: str | None = Field(default=None, description="Absent where authentication is ip.")
    realm: str | None = None
    allowed_ips: list[str] = Field(default_factory=list)
    codecs: list[str] = Field(default_factory=list, description="In order of preference.")
    dtmf: Literal["rfc4733", "info", "inband"] | None = None
    srtp: SrtpPart | None = None
    channel_limit: int | None = Field(default=None, description="Calls at the same time.")
    signalling_cidrs: list[str] = Field(
        default_factory=list, description="Where SIP from us comes from: allow all of them."
    )
    media: MediaPart | None = Field(default=None, description="Where our RTP is.")
    registration: RegistrationPart | None = None
    last_error: LastErrorPart | None = Field(
        default=None, description="Last failed SIP request; a later success does not clear it."
    )
    portal_url: str | None = Field(
        default=None, description="Page of the trunk, for a person who is signed in."
    )


@tool(
    title="Get SIP configuration", scope="mcp.inventory.read", hints=READ, failures=("not_found",)
)
def get_sip_config(context: Context, arguments: GetSipConfigArguments) -> Answer:
    """Show how a PBX connects to one SIP trunk, and why it is not registered.

    Registrar, transports, codecs, networks for the firewall, registration state, and the last SIP
    error with what to do. generate_pbx_setup writes configuration. The password is never part of
    it: send the person to portal_url.
    """
    config = services.sip_config(context.principal.tenant, arguments.trunk_id)
    trunk = config.trunk
    registration = _registration(config)
    last_error = _last_error(config)
    text = f"Trunk {trunk.name}: {_STATES[registration.state]}."
    if last_error is not None:
        text += f" Last error {last_error.code} {last_error.name}."
    return Answer(
        result=GetSipConfigResult(
            trunk_id=str(trunk.pk),
            name=trunk.name,
            trunk_status=trunk.status,
            authentication=trunk.authentication,
            registrar=trunk.registrar,
            port=config.endpoints[0].port,
            transports=[
                TransportPart(transport=each.transport, port=each.port) for each in config.endpoints
            ],
            username=trunk.username or None,
            realm=trunk.realm,
            allowed_ips=trunk.allowed_ips,
            codecs=trunk.codecs,
            dtmf=trunk.dtmf_mode,
            srtp=SrtpPart(
                mode=trunk.srtp, suite=None if trunk.srtp == "none" else network.SRTP_SUITE
            ),
            channel_limit=trunk.channel_limit,
            signalling_cidrs=list(network.SIGNALLING_CIDRS),
            media=MediaPart(
                cidrs=list(network.MEDIA_CIDRS),
                udp_port_from=network.MEDIA_PORTS[0],
                udp_port_to=network.MEDIA_PORTS[1],
            ),
            registration=registration,
            last_error=last_error,
            portal_url=f"{settings.OAUTH_ISSUER}/trunks/{trunk.pk}/",
        ),
        text=text,
        facts={"registration": registration.state, "last_sip_code": trunk.last_sip_code},
    )


_STATES = {
    "registered": "registered",
    "unregistered": "not registered",
    "expired": "registration expired",
    "never": "never registered",
    "not_used": "known by its IP address",
}


def _registration(config: services.SipConfig) -> RegistrationPart:
    trunk = config.trunk
    if trunk.authentication == "ip":
        return RegistrationPart(state="not_used")
    return RegistrationPart(
        state=trunk.registration_state,
        registered_at=timestamp(trunk.registered_at),
        user_agent=trunk.user_agent or None,
        contact=trunk.contact_address or None,
    )


def _last_error(config: services.SipConfig) -> LastErrorPart | None:
    error = config.last_error
    if error is None:
        return None
    return LastErrorPart(
        code=error.explanation.code,
        name=error.explanation.name,
        at=timestamp(error.at) or "",
        meaning=error.explanation.meaning,
        what_to_do=error.explanation.advice,
    )
