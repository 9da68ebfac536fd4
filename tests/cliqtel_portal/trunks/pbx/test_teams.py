from __future__ import annotations

import pytest

from cliqtel_portal.trunks.pbx import teams
from cliqtel_portal.trunks.pbx.setup import SetupRequest
from tests.cliqtel_portal.trunks.pbx.readers import (
    Command,
    powershell_commands,
    powershell_tokens,
    values,
)
from tests.factories.trunks import setup_request

# Parameters of the module MicrosoftTeams that we may use, and the order that works.
PARAMETERS = {
    "Connect-MicrosoftTeams": set[str](),
    "New-CsOnlinePSTNGateway": {
        "Fqdn",
        "SipSignalingPort",
        "MaxConcurrentSessions",
        "ForwardCallHistory",
        "ForwardPai",
        "SendSipOptions",
        "MediaBypass",
        "FailoverTimeSeconds",
        "FailoverResponseCodes",
        "Enabled",
    },
    "Set-CsOnlinePstnUsage": {"Identity", "Usage"},
    "New-CsOnlineVoiceRoute": {
        "Identity",
        "NumberPattern",
        "OnlinePstnGatewayList",
        "OnlinePstnUsages",
        "Priority",
    },
    "New-CsOnlineVoiceRoutingPolicy": {"Identity", "OnlinePstnUsages"},
    "Grant-CsOnlineVoiceRoutingPolicy": {"Identity", "PolicyName"},
    "Set-CsPhoneNumberAssignment": {"Identity", "PhoneNumber", "PhoneNumberType"},
}


def files(request: SetupRequest) -> dict[str, str]:
    return {each.name: each.text for each in teams.write(request).files}


def commands(request: SetupRequest) -> dict[str, Command]:
    return {one.name: one for one in powershell_commands(files(request)["cliqtel-teams.ps1"])}


def test_the_commands_are_known_and_in_the_order_that_works() -> None:
    found = powershell_commands(files(setup_request())["cliqtel-teams.ps1"])
    assert [one.name for one in found] == list(PARAMETERS)
    for one in found:
        assert one.parameters.keys() <= PARAMETERS[one.name], one.name
        assert all(one.parameters.values()), one.name


def test_gateway_usage_route_and_policy_name_each_other() -> None:
    found = commands(setup_request())
    gateway = found["New-CsOnlinePSTNGateway"].parameters
    assert gateway["Fqdn"] == "$Sbc"
    assert gateway["SipSignalingPort"] == "5061"
    assert gateway["MaxConcurrentSessions"] == "30"
    assert gateway["SendSipOptions"] == "$true"
    route = found["New-CsOnlineVoiceRoute"].parameters
    assert route["OnlinePstnGatewayList"] == "$Sbc"
    assert route["NumberPattern"] == r"'^\+'"
    assert found["Set-CsOnlinePstnUsage"].parameters["Usage"] == "@{Add='Cliqtel'}"
    policy = found["New-CsOnlineVoiceRoutingPolicy"].parameters
    assert route["OnlinePstnUsages"] == policy["OnlinePstnUsages"] == "'Cliqtel'"
    granted = found["Grant-CsOnlineVoiceRoutingPolicy"].parameters
    assert granted["PolicyName"] == policy["Identity"]
    assert found["Set-CsPhoneNumberAssignment"].parameters["PhoneNumberType"] == "DirectRouting"


def test_the_script_stops_at_people_that_nobody_filled_in() -> None:
    script = files(setup_request())["cliqtel-teams.ps1"]
    tokens = powershell_tokens(script)
    assert ["$Sbc", "=", "'sbc1.example.com'"] in tokens
    listed = [line for line in tokens if line[0].startswith("'+")]
    assert [line[0] for line in listed] == ["'+31201230900'", "'+31201230901'"]
    assert all(line[2].startswith("'FILL-IN") for line in listed)
    assert script.index("throw") < script.index("Connect-MicrosoftTeams")
    assert "$ErrorActionPreference = 'Stop'" in script
    flat = [token for line in tokens for token in line]
    assert sum(token.endswith("{") for token in flat) == flat.count("}")


def test_the_side_towards_teams_is_always_encrypted() -> None:
    request = setup_request(transport="udp", port=5060, srtp=False)
    settings = values(files(request)["sbc-settings.txt"])
    towards_teams = settings["Towards Teams"]
    assert towards_teams["Port and transport"].startswith("5061 TLS")
    assert towards_teams["Media"] == "SRTP AES_CM_128_HMAC_SHA1_80, required"
    assert towards_teams["Targets, in this order"].split(", ") == [
        "sip.pstnhub.microsoft.com",
        "sip2.pstnhub.microsoft.com",
        "sip3.pstnhub.microsoft.com",
    ]
    assert towards_teams["Contact and Record-Route"].startswith("sbc1.example.com")
    assert settings["Towards Cliqtel"]["Port and transport"] == "5060 UDP"
    assert settings["Towards Cliqtel"]["Media"] == "RTP"
    firewall = teams.write(request).firewall
    microsoft = [rule for rule in firewall if rule.peer.startswith("52.112.0.0/14")]
    assert {(rule.direction, rule.ports) for rule in microsoft if rule.protocol == "tcp"} == {
        ("in", "5061"),
        ("out", "5061"),
    }


def test_the_sbc_holds_the_trunk_by_registration_or_address() -> None:
    registered = values(files(setup_request())["sbc-settings.txt"])["Towards Cliqtel"]
    assert registered["User name"] == "acme-ams"
    assert registered["Password"] == "${CLIQTEL_SIP_PASSWORD}"
    by_ip = files(setup_request(authentication="ip", username=""))
    assert "PASSWORD" not in "".join(by_ip.values())
    towards = values(by_ip["sbc-settings.txt"])["Towards Cliqtel"]
    assert towards["Authentication"] == "by the address 198.51.100.200"


def test_the_domain_to_verify_is_named() -> None:
    setup = teams.write(setup_request(sbc_fqdn="sbc1.voice.example.com"))
    assert "voice.example.com" in setup.steps[0]
    assert "sbc1." not in setup.steps[0]


HOSTILE = "HQ\r\nRemove-Item C:\\ ; $(Invoke-Expression x) `n ' \u2018 \u201c"


def test_a_hostile_trunk_name_runs_nothing() -> None:
    hostile = files(setup_request(trunk_name=HOSTILE))
    plain = files(setup_request())
    assert powershell_tokens(hostile["cliqtel-teams.ps1"]) == powershell_tokens(
        plain["cliqtel-teams.ps1"]
    )
    assert values(hostile["sbc-settings.txt"]) == values(plain["sbc-settings.txt"])


@pytest.mark.parametrize("name", ["a.example\nRemove-Item x", "a\u2019; Remove-Item x"])
def test_an_unchecked_name_is_never_written(name: str) -> None:
    with pytest.raises(ValueError, match="not a string"):
        teams.write(setup_request(sbc_fqdn=name))


def test_a_quotation_mark_stays_inside_its_string() -> None:
    script = files(setup_request(sbc_fqdn="a'; Remove-Item x"))["cliqtel-teams.ps1"]
    assert ["$Sbc", "=", "'a''; Remove-Item x'"] in powershell_tokens(script)
