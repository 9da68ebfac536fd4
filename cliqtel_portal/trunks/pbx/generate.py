"""From a trunk and what somebody wants to the files, steps and commands for the phone system."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable
from typing import cast

from cliqtel_portal import phone
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.errors import InvalidArguments, Problem
from cliqtel_portal.trunks import network
from cliqtel_portal.trunks.models import Trunk
from cliqtel_portal.trunks.pbx import asterisk, checks, teams, three_cx
from cliqtel_portal.trunks.pbx.checks import Choices
from cliqtel_portal.trunks.pbx.setup import Platform, Setup, SetupRequest, Transport
from cliqtel_portal.trunks.services import get_trunk

# A longer list would not fit into what an AI host reads.
MAX_NUMBERS = 200
_WRITERS: dict[Platform, Callable[[SetupRequest], Setup]] = {
    "3cx": three_cx.write,
    "asterisk": asterisk.write,
    "teams": teams.write,
}


def pbx_setup(tenant: Tenant, trunk_id: uuid.UUID, *, choices: Choices) -> Setup:
    """Return what connects a phone system to the trunk. Changes nothing, holds no password.

    Raises:
        TrunkNotFound: no such trunk in this tenant.
        InvalidArguments: with every problem; fields are named as in Choices, and `numbers.3`.
    """
    trunk = get_trunk(tenant, trunk_id)
    numbers, number_problems = _numbers(tenant, trunk, choices.numbers)
    problems = [*checks.problems(trunk, choices), *number_problems]
    if problems:
        raise InvalidArguments(
            "No set-up can be made of these. Correct them all and ask again.", problems=problems
        )
    request = _request(trunk, choices, numbers[:MAX_NUMBERS])
    setup = _WRITERS[choices.platform](request)
    warnings = [*checks.warnings(trunk, request), *setup.warnings]
    if len(numbers) > MAX_NUMBERS:
        warnings.append(
            f"The trunk has {len(numbers)} numbers, and the first {MAX_NUMBERS} are in the files. "
            "Name others one by one, with the tool generate_pbx_setup, to get theirs."
        )
    return dataclasses.replace(setup, warnings=tuple(warnings))


def _numbers(
    tenant: Tenant, trunk: Trunk, wanted: tuple[str, ...]
) -> tuple[list[str], list[Problem]]:
    """The numbers on the trunk that are wanted, in that order; without a wish all of them."""
    on_trunk = list(
        trunk.numbers.for_tenant(tenant).order_by("e164").values_list("e164", flat=True)
    )
    if not wanted:
        return on_trunk, []
    found: dict[str, None] = {}
    problems = []
    for index, text in enumerate(wanted):
        try:
            number = phone.normalise(text)
        except phone.NotANumber as error:
            problems.append(Problem(field=f"numbers.{index}", message=str(error)))
            continue
        if number in on_trunk:
            found[number] = None
        else:
            problems.append(
                Problem(
                    field=f"numbers.{index}",
                    message="It doesn't lead to this trunk. Assign it first, or leave it out.",
                )
            )
    return list(found), problems


def _request(trunk: Trunk, choices: Choices, numbers: list[str]) -> SetupRequest:
    transport = choices.transport or _transport(trunk)
    is_by_ip = (choices.authentication or trunk.authentication) == "ip"
    srtp = choices.srtp
    if srtp is None:
        srtp = trunk.srtp == Trunk.Srtp.REQUIRED or (
            trunk.srtp == Trunk.Srtp.OPTIONAL and transport == "tls"
        )
    return SetupRequest(
        trunk_name=trunk.name,
        registrar=trunk.registrar,
        realm=trunk.realm,
        username="" if is_by_ip else trunk.username,
        codecs=tuple(trunk.codecs),
        dtmf=trunk.dtmf_mode,
        channel_limit=trunk.channel_limit,
        signalling_cidrs=network.SIGNALLING_CIDRS,
        media_cidrs=network.MEDIA_CIDRS,
        media_ports=network.MEDIA_PORTS,
        numbers=tuple(numbers),
        transport=transport,
        port=network.PORTS[transport],
        srtp=srtp,
        authentication="ip" if is_by_ip else "registration",
        pbx_public_ip=choices.pbx_public_ip,
        sbc_fqdn=choices.sbc_fqdn.lower() if choices.sbc_fqdn else None,
    )


def _transport(trunk: Trunk) -> Transport:
    """The one we prefer; TLS where the media must be encrypted, whose keys it hides."""
    if trunk.srtp == Trunk.Srtp.REQUIRED:
        return "tls"
    return cast("Transport", trunk.transports[0])
