from __future__ import annotations

import uuid
from typing import Annotated

from django.conf import settings
from pydantic import Field

from cliqtel_portal.trunks.pbx.checks import Choices
from cliqtel_portal.trunks.pbx.generate import pbx_setup
from cliqtel_portal.trunks.pbx.setup import PLATFORMS, Authentication, Platform, Setup, Transport
from mcp_access.tools.annotations import READ
from mcp_access.tools.tool import Answer, Arguments, Context, Part, Result, tool


class GeneratePbxSetupArguments(Arguments):
    trunk_id: uuid.UUID = Field(description="From list_inventory kind trunks.")
    platform: Platform = Field(description="Phone system.")
    transport: Transport | None = Field(default=None, description="Default: the trunk's.")
    srtp: bool | None = Field(default=None, description="Encrypted media.")
    authentication: Authentication | None = Field(
        default=None, description="ip needs pbx_public_ip."
    )
    pbx_public_ip: str | None = Field(
        default=None, max_length=45, description="IPv4 seen from outside."
    )
    sbc_fqdn: str | None = Field(
        default=None, max_length=253, description="Name of the SBC, for teams."
    )
    numbers: list[Annotated[str, Field(max_length=32)]] = Field(
        default_factory=list, max_length=100, description="Only these of the trunk's, E.164."
    )


class FilePart(Part):
    name: str
    mime: str
    sha256: str = Field(description="Of the text in UTF-8.")
    text: str


class FirewallPart(Part):
    direction: str = Field(description="in or out, seen from the phone system.")
    protocol: str
    peer: str
    ports: str
    purpose: str


class CheckPart(Part):
    command: str
    expect: str


class GeneratePbxSetupResult(Result):
    files: list[FilePart] = Field(default_factory=list)
    steps: list[str] = Field(default_factory=list)
    firewall: list[FirewallPart] = Field(default_factory=list)
    verify_commands: list[CheckPart] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    portal_url: str | None = Field(default=None, description="The trunk, for a person.")


@tool(title="Generate PBX setup", scope="mcp.inventory.read", hints=READ, failures=("not_found",))
def generate_pbx_setup(context: Context, arguments: GeneratePbxSetupArguments) -> Answer:
    """Write the configuration that connects a phone system to a SIP trunk. Changes nothing.

    Pass on all of it unchanged: files, steps, firewall rules, checks, warnings. A person puts the
    password in for ${CLIQTEL_SIP_PASSWORD} on the phone system: never ask for it.
    """
    setup = pbx_setup(
        context.principal.tenant,
        arguments.trunk_id,
        choices=Choices(
            platform=arguments.platform,
            transport=arguments.transport,
            srtp=arguments.srtp,
            authentication=arguments.authentication,
            pbx_public_ip=arguments.pbx_public_ip,
            sbc_fqdn=arguments.sbc_fqdn,
            numbers=tuple(arguments.numbers),
        ),
    )
    names = ", ".join(each.name for each in setup.files)
    return Answer(
        result=_result(setup, arguments.trunk_id),
        text=f"{names} for {PLATFORMS[arguments.platform]}.{_count(len(setup.warnings))}",
        facts={"platform": arguments.platform, "warnings": len(setup.warnings)},
    )


def _count(warnings: int) -> str:
    if not warnings:
        return ""
    return " 1 warning." if warnings == 1 else f" {warnings} warnings."


def _result(setup: Setup, trunk_id: uuid.UUID) -> GeneratePbxSetupResult:
    return GeneratePbxSetupResult(
        files=[
            FilePart(name=each.name, mime=each.mime, sha256=each.sha256, text=each.text)
            for each in setup.files
        ],
        steps=list(setup.steps),
        firewall=[
            FirewallPart(
                direction=rule.direction,
                protocol=rule.protocol,
                peer=rule.peer,
                ports=rule.ports,
                purpose=rule.purpose,
            )
            for rule in setup.firewall
        ],
        verify_commands=[
            CheckPart(command=check.command, expect=check.expect) for check in setup.verify_commands
        ],
        warnings=list(setup.warnings),
        portal_url=f"{settings.OAUTH_ISSUER}/trunks/{trunk_id}/",
    )
