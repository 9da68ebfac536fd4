from __future__ import annotations

import pytest

from cliqtel_portal.trunks.pbx import three_cx
from cliqtel_portal.trunks.pbx.setup import SetupRequest
from tests.cliqtel_portal.trunks.pbx.readers import values
from tests.factories.trunks import setup_request


def read(request: SetupRequest) -> dict[str, dict[str, str]]:
    (file,) = three_cx.write(request).files
    return values(file.text)


def test_every_tab_of_the_trunk_is_filled_in() -> None:
    found = read(setup_request())
    assert found.keys() == {
        "General",
        "DIDs",
        "Inbound parameters",
        "Outbound parameters",
        "Outbound rules",
        "Options",
        "Codecs",
        "Firewall",
    }
    general = found["General"]
    assert general["Provider"] == "Generic VoIP Provider"
    assert general["Registrar/Server"] == "sip.cliqtel.example"
    assert general["Registrar port"] == "5061"
    assert general["Number of SIM calls"] == "30"
    assert general["Type of authentication"] == "Register/Account based"
    assert general["Authentication ID"] == "acme-ams"
    assert general["Authentication password"] == "${CLIQTEL_SIP_PASSWORD}"
    assert general["Main trunk number"] == "+31201230900"
    assert list(found["DIDs"].values()) == ["+31201230900", "+31201230901"]
    assert list(found["Codecs"].values()) == ["G.711 A-law", "G.711 U-law", "G.722"]
    assert found["Options"]["Transport protocol"] == "TLS"
    assert found["Options"]["SRTP"].startswith("on")


def test_the_caller_id_is_mapped_both_ways() -> None:
    found = read(setup_request())
    assert found["Inbound parameters"]["Called number"].startswith("Request-Line URI user part")
    outbound = found["Outbound parameters"]
    assert outbound["Outbound Caller ID"] == "+31201230900"
    assert outbound["From user part"] == "OutboundCallerID"
    assert outbound["P-Asserted-Identity user part"] == "OutboundCallerID"
    assert outbound["Contact user part"] == "AuthID"


def test_a_trunk_by_address_asks_for_no_password() -> None:
    request = setup_request(authentication="ip", username="")
    found = read(request)
    assert found["General"]["Provider"] == "Generic SIP Trunk"
    assert found["General"]["Type of authentication"] == "Do not require - IP based"
    assert not {"Authentication ID", "Authentication password"} & found["General"].keys()
    assert found["Outbound parameters"]["Contact user part"] == "OutboundCallerID"
    assert "Re-register timeout" not in found["Options"]
    assert not any("password" in step for step in three_cx.write(request).steps)


def test_people_dial_as_in_their_country_and_emergency_comes_first() -> None:
    rules = list(read(setup_request())["Outbound rules"].values())
    assert rules[0].startswith("emergency, numbers 112")
    assert 'numbers that start with "00": strip 2, prepend +' in rules
    assert 'numbers that start with "0": strip 1, prepend +31' in rules


def test_without_numbers_it_says_so() -> None:
    found = read(setup_request(numbers=()))
    assert "DIDs" in found
    assert found["DIDs"] == {}
    assert found["General"]["Main trunk number"] == "none yet"


def test_the_firewall_is_in_the_file_and_beside_it() -> None:
    setup = three_cx.write(setup_request(transport="udp", port=5060, srtp=False))
    assert {rule.ports for rule in setup.firewall} == {"5060", "10000-59999", "9000-10999"}
    listed = " ".join(values(setup.files[0].text)["Firewall"].values())
    for rule in setup.firewall:
        assert f"{rule.direction} {rule.protocol} {rule.ports}, {rule.peer}" in listed
    assert {rule.protocol for rule in setup.firewall} == {"udp"}


@pytest.mark.parametrize("name", ["HQ\n[General]\nAuthentication ID: root", "\u202e\x00", ""])
def test_a_hostile_trunk_name_adds_no_line(name: str) -> None:
    hostile, plain = read(setup_request(trunk_name=name)), read(setup_request())
    assert hostile["General"].pop("Name").startswith("Cliqtel ")
    del plain["General"]["Name"]
    assert hostile == plain
