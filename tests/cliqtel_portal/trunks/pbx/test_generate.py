from __future__ import annotations

import uuid
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.errors import InvalidArguments, NotFound
from cliqtel_portal.trunks.models import Trunk
from cliqtel_portal.trunks.pbx.checks import Choices
from cliqtel_portal.trunks.pbx.generate import MAX_NUMBERS, pbx_setup
from cliqtel_portal.trunks.pbx.setup import Platform, Setup
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def trunk(acme: Tenant) -> Trunk:
    trunk = TrunkFactory(tenant=acme, name="HQ", srtp="optional")
    PhoneNumberFactory(tenant=acme, trunk=trunk, e164="+31201230900")
    return trunk


def setup_of(trunk: Trunk, platform: Platform = "asterisk", **chosen: Any) -> Setup:
    return pbx_setup(trunk.tenant, trunk.pk, choices=Choices(platform=platform, **chosen))


def problems_of(trunk: Trunk, platform: Platform = "asterisk", **chosen: Any) -> dict[str, str]:
    with pytest.raises(InvalidArguments) as caught:
        setup_of(trunk, platform, **chosen)
    return {problem.field: problem.message for problem in caught.value.problems}


def test_the_trunks_own_settings_are_taken_where_nothing_is_chosen(trunk: Trunk) -> None:
    text = setup_of(trunk).files[0].text
    assert "protocol=tls" in text
    assert "media_encryption=sdes" in text
    assert f"username={trunk.username}" in text
    assert "allow=alaw,ulaw" in text


def test_only_the_trunks_own_numbers_are_in_it(trunk: Trunk) -> None:
    PhoneNumberFactory(tenant=trunk.tenant, e164="+31201230777")
    other = TrunkFactory(tenant=trunk.tenant)
    PhoneNumberFactory(tenant=trunk.tenant, trunk=other, e164="+31201230778")
    text = setup_of(trunk).files[1].text
    assert "+31201230900" in text
    assert "+3120123077" not in text


def test_wanted_numbers_keep_their_order_and_come_once(trunk: Trunk) -> None:
    PhoneNumberFactory(tenant=trunk.tenant, trunk=trunk, e164="+31201230901")
    text = setup_of(trunk, numbers=("+31 20 123 0901", "+31201230900", "+31201230901")).files[1]
    assert text.text.index("exten => +31201230901") < text.text.index("exten => +31201230900")
    assert text.text.count("exten => +31201230901") == 1


def test_every_problem_is_told_at_once(trunk: Trunk, mallory: Membership) -> None:
    trunk.transports = ["udp"]
    trunk.srtp = "none"
    trunk.save()
    PhoneNumberFactory(tenant=mallory.tenant, e164="+31201230999")
    found = problems_of(
        trunk,
        "teams",
        transport="tls",
        srtp=True,
        pbx_public_ip="192.168.1.4",
        sbc_fqdn="sbc.contoso.onmicrosoft.com",
        numbers=("+31201230900", "12", "+31201230999"),
    )
    assert found.keys() == {
        "transport",
        "srtp",
        "pbx_public_ip",
        "sbc_fqdn",
        "numbers.1",
        "numbers.2",
    }
    assert "doesn't lead to this trunk" in found["numbers.2"]


@pytest.mark.parametrize(
    "name",
    [
        "sbc.contoso.onmicrosoft.com",
        "SBC.contoso.OnMicrosoft.com",
        "sbc",
        "198.51.100.1",
        "*.example.com",
        "sbc_1.example.com",
        "-sbc.example.com",
        "sbc.example.com.",
        "sbc..example.com",
        "sbc.example.com\n",
        "sbc.example.com'; Remove-Item",
        "sbc.office.local",
        "\u017fbc.example.com",
        f"{'a' * 60}.example.com",
        "",
        None,
    ],
)
def test_a_name_that_teams_refuses_is_refused_here(trunk: Trunk, name: str | None) -> None:
    assert problems_of(trunk, "teams", sbc_fqdn=name).keys() == {"sbc_fqdn"}


def test_a_name_that_teams_takes_passes_in_any_case(trunk: Trunk) -> None:
    setup = setup_of(trunk, "teams", sbc_fqdn="SBC1.Voice.Example.com")
    assert "'sbc1.voice.example.com'" in setup.files[0].text


def test_only_teams_takes_an_sbc(trunk: Trunk) -> None:
    assert problems_of(trunk, "3cx", sbc_fqdn="sbc1.example.com").keys() == {"sbc_fqdn"}


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.31.0.9",
        "192.168.1.1",
        "127.0.0.1",
        "100.64.0.1",
        "169.254.1.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "2001:db8::1",
        "198.51.100.1/24",
        "pbx",
        "1.2.3",
        "198.51.100.1\n#exec",
        "",
    ],
)
def test_an_address_that_nobody_outside_reaches_is_refused(trunk: Trunk, address: str) -> None:
    assert problems_of(trunk, pbx_public_ip=address).keys() == {"pbx_public_ip"}


def test_authentication_by_address_needs_the_address(acme: Tenant, trunk: Trunk) -> None:
    assert problems_of(trunk, authentication="ip").keys() == {"pbx_public_ip"}
    by_ip = TrunkFactory(tenant=acme, by_ip=True)
    assert problems_of(by_ip).keys() == {"pbx_public_ip"}
    assert problems_of(by_ip, authentication="registration").keys() == {"authentication"}
    setup = setup_of(by_ip, pbx_public_ip="198.51.100.140")
    assert not any("403" in warning for warning in setup.warnings)
    elsewhere = setup_of(by_ip, pbx_public_ip="198.51.100.141")
    assert any("198.51.100.140" in warning for warning in elsewhere.warnings)


def test_another_authentication_than_the_trunks_is_warned_of(trunk: Trunk) -> None:
    setup = setup_of(trunk, authentication="ip", pbx_public_ip="198.51.100.140")
    assert any("Ask Cliqtel support" in warning for warning in setup.warnings)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"transport": "udp", "srtp": True}, "SRTP without TLS"),
        ({"transport": "udp"}, "Neither signalling nor media"),
        ({"transport": "tls", "srtp": False}, "TLS without SRTP"),
    ],
)
def test_what_is_not_encrypted_is_warned_of(
    trunk: Trunk, chosen: dict[str, Any], words: str
) -> None:
    assert sum(words in warning for warning in setup_of(trunk, **chosen).warnings) == 1
    assert not any(words in warning for warning in setup_of(trunk).warnings)


def test_a_trunk_that_requires_srtp_prefers_tls_and_takes_no_less(acme: Tenant) -> None:
    trunk = TrunkFactory(tenant=acme, srtp="required", transports=["udp", "tls"])
    assert "protocol=tls" in setup_of(trunk).files[0].text
    assert problems_of(trunk, srtp=False).keys() == {"srtp"}


def test_a_trunk_without_numbers_or_disabled_is_warned_of(acme: Tenant) -> None:
    warned = " ".join(setup_of(TrunkFactory(tenant=acme, status="disabled")).warnings)
    assert "disabled" in warned
    assert "No number leads" in warned


@pytest.mark.parametrize(
    "fields",
    [{"username": "a\n[evil]"}, {"username": "a;b"}, {"registrar": "sip example"}, {"realm": "$x"}],
)
def test_a_trunk_whose_own_words_would_break_a_file_is_refused(
    acme: Tenant, fields: dict[str, str]
) -> None:
    assert problems_of(TrunkFactory(tenant=acme, **fields)).keys() == {"trunk_id"}


def test_a_long_list_is_cut_and_says_so(trunk: Trunk) -> None:
    PhoneNumberFactory.create_batch(MAX_NUMBERS, tenant=trunk.tenant, trunk=trunk)
    setup = setup_of(trunk)
    assert setup.files[1].text.count("Dial(${CLIQTEL_RING}") == MAX_NUMBERS
    assert any(f"{MAX_NUMBERS + 1} numbers" in warning for warning in setup.warnings)


def test_it_reads_trunk_and_numbers_and_no_credential(
    trunk: Trunk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    tenant = trunk.tenant
    with django_assert_num_queries(2) as queries:
        pbx_setup(tenant, trunk.pk, choices=Choices(platform="asterisk"))
    assert not any("trunkcredential" in query["sql"] for query in queries.captured_queries)


def test_mallory_finds_no_trunk(trunk: Trunk, mallory: Membership) -> None:
    for trunk_id in (trunk.pk, uuid.uuid4()):
        with pytest.raises(NotFound):
            pbx_setup(mallory.tenant, trunk_id, choices=Choices(platform="asterisk"))
