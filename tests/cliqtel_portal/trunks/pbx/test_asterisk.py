from __future__ import annotations

import re

import pytest

from cliqtel_portal.trunks.pbx import asterisk
from cliqtel_portal.trunks.pbx.setup import SetupRequest
from tests.cliqtel_portal.trunks.pbx.readers import (
    Section,
    asterisk_sections,
    dialplan,
    matching,
)
from tests.factories.trunks import setup_request

# Of Asterisk 18 to 22: what each kind of section may hold, as far as we may write it.
OPTIONS = {
    "transport": "protocol bind method verify_server ca_list_file cert_file priv_key_file "
    "local_net external_media_address external_signaling_address",
    "registration": "transport outbound_auth server_uri client_uri contact_user line endpoint "
    "expiration retry_interval forbidden_retry_interval max_retries auth_rejection_permanent",
    "auth": "auth_type username password",
    "aor": "contact qualify_frequency",
    "endpoint": "transport context disallow allow aors outbound_auth from_user from_domain "
    "send_pai trust_id_inbound direct_media rtp_symmetric force_rport rewrite_contact dtmf_mode "
    "timers device_state_busy_at media_encryption media_encryption_optimistic",
    "identify": "endpoint match",
}
REFERENCES = {
    "transport": "transport",
    "outbound_auth": "auth",
    "aors": "aor",
    "endpoint": "endpoint",
}
REPEATED = {"local_net", "match"}

REQUESTS = [
    setup_request(),
    setup_request(transport="udp", port=5060, srtp=False, pbx_public_ip=None),
    setup_request(transport="tcp", port=5060, srtp=False, numbers=()),
    setup_request(authentication="ip", username="", codecs=("opus", "G729")),
]


def files(request: SetupRequest) -> dict[str, str]:
    return {each.name: each.text for each in asterisk.write(request).files}


def pjsip(request: SetupRequest) -> dict[str, Section]:
    """The sections by their type; there is one of each."""
    sections = asterisk_sections(files(request)["pjsip.conf"])
    by_type = {section.one("type"): section for section in sections}
    assert len(by_type) == len(sections)
    return by_type


@pytest.mark.parametrize("request_", REQUESTS)
def test_every_option_is_known_and_every_reference_leads_somewhere(request_: SetupRequest) -> None:
    sections = pjsip(request_)
    for kind, section in sections.items():
        names = [name for name, _ in section.options if name != "type"]
        assert set(names) <= set(OPTIONS[kind].split())
        assert {name for name in names if names.count(name) > 1} <= REPEATED
        for name, target in REFERENCES.items():
            for value in section.all(name):
                assert sections[target].name == value, f"{kind}.{name}"
    contexts = dialplan(files(request_)["extensions.conf"])
    assert sections["endpoint"].one("context") in contexts


def test_the_registration_marks_its_calls_and_goes_to_the_registrar() -> None:
    sections = pjsip(setup_request())
    registration = sections["registration"]
    assert registration.one("line") == "yes"
    assert registration.one("server_uri") == "sip:sip.cliqtel.example:5061;transport=tls"
    assert registration.one("client_uri") == "sip:acme-ams@sip.cliqtel.example"
    assert sections["auth"].one("username") == "acme-ams"
    assert sections["aor"].one("contact") == "sip:sip.cliqtel.example:5061;transport=tls"
    # Unescaped, the semicolon would cut the line and the port would be spoken to in clear text.
    assert files(setup_request())["pjsip.conf"].count("\\;transport=tls") == 2


def test_the_password_is_a_placeholder_on_one_line_only() -> None:
    made = files(setup_request())
    assert pjsip(setup_request())["auth"].one("password") == "${CLIQTEL_SIP_PASSWORD}"
    assert "".join(made.values()).count("${CLIQTEL_SIP_PASSWORD}") == 1


@pytest.mark.parametrize("request_", REQUESTS)
def test_calls_are_known_by_every_signalling_network(request_: SetupRequest) -> None:
    assert pjsip(request_)["identify"].all("match") == ["192.0.2.0/26", "198.51.100.0/26"]


def test_a_trunk_by_address_has_no_credentials_and_listens_with_a_certificate() -> None:
    request = setup_request(authentication="ip", username="")
    sections = pjsip(request)
    assert sections.keys() == {"transport", "aor", "endpoint", "identify"}
    assert not sections["endpoint"].all("outbound_auth")
    assert not sections["endpoint"].all("from_user")
    assert sections["transport"].one("cert_file")
    assert "PASSWORD" not in "".join(files(request).values())
    setup = asterisk.write(request)
    assert not any("password" in step for step in setup.steps)
    assert not any("registrations" in check.command for check in setup.verify_commands)


def test_media_is_encrypted_only_if_chosen() -> None:
    assert pjsip(setup_request())["endpoint"].one("media_encryption") == "sdes"
    assert not pjsip(setup_request(srtp=False))["endpoint"].all("media_encryption")


def test_codecs_keep_their_order() -> None:
    request = setup_request(codecs=("opus", "G722", "PCMA", "PCMU", "G729"))
    assert pjsip(request)["endpoint"].one("allow") == "opus,g722,alaw,ulaw,g729"
    warned = " ".join(asterisk.write(request).warnings)
    assert "codec_opus" in warned
    assert "codec_g729" in warned


def test_the_public_address_is_told_to_both_sip_and_media() -> None:
    transport = pjsip(setup_request())["transport"]
    assert transport.one("external_media_address") == "198.51.100.200"
    assert transport.one("external_signaling_address") == "198.51.100.200"
    assert "192.168.0.0/16" in transport.all("local_net")
    without = setup_request(pbx_public_ip=None)
    assert not pjsip(without)["transport"].all("local_net")
    assert any("NAT" in warning for warning in asterisk.write(without).warnings)


def test_a_call_to_each_number_rings_and_to_another_is_refused() -> None:
    incoming = dialplan(files(setup_request())["extensions.conf"])["from-cliqtel"]
    for number in ("+31201230900", "+31201230901"):
        found = matching(incoming, number)
        assert found is not None
        assert found.applications[0] == "Dial(${CLIQTEL_RING},30)"
    unknown = matching(incoming, "+31201239999")
    assert unknown is not None
    assert unknown.applications == ["Hangup(1)"]
    # Registered as the trunk's user: the number is looked for in To.
    assert "To" in str(matching(incoming, "acme-ams"))


@pytest.mark.parametrize(
    ("number", "dialled", "target"),
    [
        ("+31201230900", "+442079460123", "Dial(PJSIP/+${FILTER(0-9,${EXTEN})}@cliqtel,60)"),
        ("+31201230900", "00442079460123", "Goto(+${FILTER(0-9,${EXTEN:2})},1)"),
        ("+31201230900", "0201230900", "Goto(+31${FILTER(0-9,${EXTEN:1})},1)"),
        ("+31201230900", "112", "Dial(PJSIP/112@cliqtel,60)"),
        ("+442079460123", "999", "Dial(PJSIP/999@cliqtel,60)"),
        ("+12125550123", "911", "Dial(PJSIP/911@cliqtel,60)"),
        ("+12125550123", "01131201230900", "Goto(+${FILTER(0-9,${EXTEN:3})},1)"),
        ("+12125550123", "12125550123", "Goto(+1${FILTER(0-9,${EXTEN:1})},1)"),
    ],
)
def test_what_people_dial_becomes_e164(number: str, dialled: str, target: str) -> None:
    outgoing = dialplan(files(setup_request(numbers=(number,)))["extensions.conf"])["to-cliqtel"]
    found = matching(outgoing, dialled)
    assert found is not None
    assert target in found.applications


def test_every_call_out_shows_a_number_that_is_owned() -> None:
    text = files(setup_request())["extensions.conf"]
    contexts = dialplan(text)
    for extension in contexts["to-cliqtel"]:
        first = extension.applications[0]
        assert first.startswith(("Goto(+", "Gosub(cliqtel-caller-id,s,1)")), extension
    assert "CLIQTEL_CALLER_ID=+31201230900" in text
    assert contexts["cliqtel-caller-id"][0].applications[-1] == "Return()"


def test_what_is_dialled_never_reaches_dial_unfiltered() -> None:
    """A dialled "&" would add a second destination, a "," options of Dial."""
    for request in REQUESTS:
        text = files(request)["extensions.conf"]
        assert re.findall(r"(?<!FILTER\(0-9,)\$\{EXTEN", text) == []


def test_without_numbers_the_files_are_still_whole() -> None:
    made = files(setup_request(numbers=()))
    assert "CLIQTEL_CALLER_ID" not in made["extensions.conf"]
    assert matching(dialplan(made["extensions.conf"])["to-cliqtel"], "+442079460123")


def test_rtp_and_firewall_agree() -> None:
    (general,) = asterisk_sections(files(setup_request())["rtp.conf"])
    ports = f"{general.one('rtpstart')}-{general.one('rtpend')}"
    firewall = asterisk.write(setup_request()).firewall
    assert [rule.ports for rule in firewall if rule.purpose == "Audio from Cliqtel"] == [ports]
    assert {rule.protocol for rule in firewall if rule.ports == "5061"} == {"tcp"}


HOSTILE = "HQ\n[evil]\ntype=endpoint\n#exec rm ;-- ${SHELL(id)} \u202e\u2028'\"`"


def test_a_hostile_trunk_name_stays_in_its_comment() -> None:
    plain, hostile = setup_request(), setup_request(trunk_name=HOSTILE)
    for name, text in files(hostile).items():
        assert asterisk_sections(text) == asterisk_sections(files(plain)[name])
        assert not {"\u202e", "\u2028", "\r"} & set(text)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "a\n[evil]"),
        ("username", "a,1,System(id)"),
        ("registrar", "sip.example\r\n#exec id"),
        ("numbers", ("+3120,1,System(id)",)),
        ("pbx_public_ip", "1.2.3.4\nbind=x"),
    ],
)
def test_an_unchecked_value_is_never_written(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"not a (value|word)"):
        asterisk.write(setup_request(**{field: value}))
