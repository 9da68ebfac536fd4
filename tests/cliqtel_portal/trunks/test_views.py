from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.trunks.credentials import set_password
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def test_a_stranger_is_sent_to_the_login() -> None:
    for url in (reverse("trunks:list"), reverse("trunks:detail", args=[TrunkFactory().pk])):
        response = Client().get(url)
        assert response.status_code == 302
        assert "/account/login/" in response["Location"]


def test_the_list_shows_state_and_last_error(bob: Membership) -> None:
    TrunkFactory(tenant=bob.tenant, name="Amsterdam", registered=True)
    TrunkFactory(tenant=bob.tenant, name="London", refused=True)
    page = signed_in(bob).get(reverse("trunks:list")).content.decode()
    assert page.index("Amsterdam") < page.index("London")
    assert "Registered" in page
    assert "Not registered" in page
    assert "403" in page


def test_the_list_without_trunks_says_what_to_do(bob: Membership) -> None:
    page = signed_in(bob).get(reverse("trunks:list")).content.decode()
    assert "No trunk yet" in page


def test_the_list_costs_the_same_for_many_trunks(
    bob: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    TrunkFactory.create_batch(60, tenant=bob.tenant)
    client = signed_in(bob)
    client.get("/settings/")  # the first use of a session is noted
    # Session, person, memberships, all, those with a problem, those that match, page, numbers.
    with django_assert_num_queries(8):
        page = client.get(reverse("trunks:list")).content.decode()
    assert "Page 1 of 2" in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=amster", ["Amsterdam"]),
        ("q=198.51.100.140", ["By address"]),
        ("state=attention", ["London"]),
        ("state=registered", ["Amsterdam"]),
        ("state=ip", ["By address"]),
        ("state=nonsense", []),
        ("q=%00", []),
    ],
)
def test_the_list_is_narrowed(query: str, names: list[str], bob: Membership) -> None:
    TrunkFactory(tenant=bob.tenant, name="Amsterdam", registered=True)
    TrunkFactory(tenant=bob.tenant, name="London", refused=True)
    TrunkFactory(tenant=bob.tenant, name="By address", by_ip=True)
    response = signed_in(bob).get(f"{reverse('trunks:list')}?{query}")
    assert response.status_code == 200
    assert [row.trunk.name for row in response.context["rows"]] == names
    assert ("No trunk matches" in response.content.decode()) is (not names)


def test_the_trunk_page_has_its_numbers(
    bob: Membership, acme: Tenant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    trunk = TrunkFactory(tenant=bob.tenant)
    for index in range(14):
        PhoneNumberFactory(tenant=acme, e164=f"+44207946{index:04}", trunk=trunk)
    client = signed_in(bob)
    with django_assert_max_num_queries(10):
        page = client.get(reverse("trunks:detail", args=[trunk.pk])).content.decode()
    assert "Calls to 14 numbers go straight to this trunk." in page
    assert "+44 20 7946 0011" in page
    assert "+44 20 7946 0012" not in page
    assert '<td data-label="Numbers" class="num">14</td>' in (
        client.get(reverse("trunks:list")).content.decode()
    )


def test_the_trunk_page_explains_the_last_error(bob: Membership) -> None:
    trunk = TrunkFactory(tenant=bob.tenant, refused=True, srtp="required")
    response = signed_in(bob).get(reverse("trunks:detail", args=[trunk.pk]))
    page = response.content.decode()
    assert "403 Forbidden" in page
    assert "source address is not allowed" in page
    assert "198.51.100.0/26" in page
    assert "AES_CM_128_HMAC_SHA1_80" in page
    assert trunk.username in page


def test_the_trunk_page_shows_no_credential(bob: Membership) -> None:
    trunk = TrunkFactory(tenant=bob.tenant)
    set_password(trunk, password="never-shown-42")
    page = signed_in(bob).get(reverse("trunks:detail", args=[trunk.pk])).content.decode()
    assert "never-shown-42" not in page
    assert trunk.credential.ciphertext.hex() not in page
    assert "gAAAA" not in page


def test_a_trunk_by_address_shows_its_addresses_and_no_user_name(bob: Membership) -> None:
    trunk = TrunkFactory(tenant=bob.tenant, by_ip=True)
    page = signed_in(bob).get(reverse("trunks:detail", args=[trunk.pk])).content.decode()
    assert "198.51.100.140" in page
    assert "User name" not in page


def test_mallory_sees_nothing_of_acme(mallory: Membership, acme: Tenant) -> None:
    trunk = TrunkFactory(tenant=acme, name="Secret office")
    client = signed_in(mallory)
    assert "Secret office" not in client.get(reverse("trunks:list")).content.decode()
    assert client.get(reverse("trunks:detail", args=[trunk.pk])).status_code == 404


def test_the_pages_take_no_post(bob: Membership) -> None:
    assert signed_in(bob).post(reverse("trunks:list")).status_code == 405
