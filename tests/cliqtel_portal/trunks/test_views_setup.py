from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.trunks.credentials import set_password
from cliqtel_portal.trunks.models import Trunk
from tests.factories.accounts import MembershipFactory
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def trunk(acme: Tenant) -> Trunk:
    trunk = TrunkFactory(tenant=acme, name="HQ")
    PhoneNumberFactory(tenant=acme, trunk=trunk, e164="+31201230900")
    return trunk


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def url(trunk: Trunk) -> str:
    return reverse("trunks:setup", args=[trunk.pk])


@pytest.mark.parametrize("role", ["owner", "approver", "member", "viewer"])
def test_everybody_who_may_read_may_generate(trunk: Trunk, role: str) -> None:
    person = MembershipFactory(tenant=trunk.tenant, role=role)
    client = signed_in(person)
    detail = client.get(reverse("trunks:detail", args=[trunk.pk])).content.decode()
    assert f'action="{url(trunk)}"' in detail
    response = client.get(url(trunk), {"platform": "asterisk"})
    page = response.content.decode()
    assert response.status_code == 200
    assert "exten =&gt; +31201230900,1" in page
    assert "${CLIQTEL_SIP_PASSWORD}" in page
    assert "pjsip show registrations" in page


def test_a_file_is_downloaded_as_it_was_shown(bob: Membership, trunk: Trunk) -> None:
    set_password(trunk, password="never-shown-42")
    query = {"platform": "asterisk", "pbx_public_ip": "198.51.100.200"}
    response = signed_in(bob).get(f"{url(trunk)}pjsip.conf", query)
    assert response["Content-Disposition"] == 'attachment; filename="pjsip.conf"'
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    text = response.content.decode()
    assert text.startswith("; Cliqtel trunk HQ\n")
    assert "external_media_address=198.51.100.200" in text
    assert "never-shown-42" not in text


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("pjsip.conf", {}),
        ("pjsip.conf", {"platform": "3cx"}),
        ("pjsip.conf", {"platform": "asterisk", "pbx_public_ip": "10.0.0.1"}),
        ("sip.conf", {"platform": "asterisk"}),
        ("..%2f..%2fetc%2fpasswd", {"platform": "asterisk"}),
    ],
)
def test_a_file_that_was_not_made_is_not_found(
    bob: Membership, trunk: Trunk, name: str, query: dict[str, str]
) -> None:
    assert signed_in(bob).get(f"{url(trunk)}{name}", query).status_code == 404


def test_before_anything_is_chosen_there_is_only_the_form(bob: Membership, trunk: Trunk) -> None:
    page = signed_in(bob).get(url(trunk)).content.decode()
    assert "Generate PBX setup" in page
    assert "pjsip.conf" not in page
    assert 'role="alert"' not in page


def test_what_is_wrong_stands_beside_its_field(bob: Membership, trunk: Trunk) -> None:
    response = signed_in(bob).get(
        url(trunk), {"platform": "teams", "pbx_public_ip": "10.0.0.1", "authentication": "ip"}
    )
    page = response.content.decode()
    assert response.status_code == 400
    assert "Teams needs the name of the SBC" in page
    assert "reached from outside" in page
    assert page.count('aria-invalid="true"') == 2
    assert "PowerShell" not in page


def test_a_problem_of_the_trunk_itself_is_shown_above(bob: Membership) -> None:
    trunk = TrunkFactory(tenant=bob.tenant, username="a;b")
    response = signed_in(bob).get(url(trunk), {"platform": "asterisk"})
    assert response.status_code == 400
    assert "Ask Cliqtel support to change it" in response.content.decode()


def test_the_name_left_over_from_teams_does_not_disturb(bob: Membership, trunk: Trunk) -> None:
    response = signed_in(bob).get(
        url(trunk), {"platform": "3cx", "sbc_fqdn": "not a name", "transport": "udp", "srtp": "no"}
    )
    assert response.status_code == 200
    assert "Transport protocol: UDP" in response.content.decode()


def test_markup_in_a_name_is_shown_as_text(bob: Membership) -> None:
    trunk = TrunkFactory(tenant=bob.tenant, name="<script>alert(1)</script>")
    page = signed_in(bob).get(url(trunk), {"platform": "asterisk"}).content.decode()
    assert "<script>alert" not in page


def test_mallory_gets_neither_page_nor_file(mallory: Membership, trunk: Trunk) -> None:
    client = signed_in(mallory)
    for path in (url(trunk), f"{url(trunk)}pjsip.conf"):
        assert client.get(path, {"platform": "asterisk"}).status_code == 404
        assert Client().get(path, {"platform": "asterisk"}).status_code == 302


def test_the_pages_take_no_post(bob: Membership, trunk: Trunk) -> None:
    client = signed_in(bob)
    assert client.post(url(trunk), {"platform": "asterisk"}).status_code == 405
    assert client.post(f"{url(trunk)}pjsip.conf").status_code == 405
