"""The form of the emergency tab."""

from __future__ import annotations

import pytest
from django.test import Client

from cliqtel_portal.numbers.models import EmergencyAddress
from tests.factories.accounts import UserFactory
from tests.factories.numbers import EmergencyAddressFactory, PhoneNumberFactory

pytestmark = pytest.mark.django_db

TYPED = {
    "label": "Warehouse",
    "street": "Keizersgracht",
    "house_number": "100",
    "location": "",
    "postal_code": "1015 CV",
    "city": "Amsterdam",
}


def post(membership, number, **data):
    client = Client()
    client.force_login(membership.user)
    return client.post(f"/numbers/{number.pk}/emergency/", data, follow=True)


@pytest.fixture
def number(acme):
    return PhoneNumberFactory(tenant=acme)


def test_an_admin_writes_an_address_down(alice, number):
    page = post(alice, number, **TYPED).content.decode()
    assert "Keizersgracht 100" in page
    assert "Being validated" in page
    record = Client()
    record.force_login(alice.user)
    overview = record.get(f"/numbers/{number.pk}/").content.decode()
    assert "Emergency address “Warehouse”, before none" in overview


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(alice, number):
    answer = post(alice, number, **(TYPED | {"postal_code": "12", "label": "<b>"}))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "That is no postcode of Netherlands." in page
    assert 'value="&lt;b&gt;"' in page
    assert not EmergencyAddress.objects.exists()


def test_an_address_of_the_account_serves_another_number(alice, number, mallory):
    address = EmergencyAddressFactory(tenant=number.tenant, label="Canal house")
    EmergencyAddressFactory(tenant=mallory.tenant, label="Theirs")
    EmergencyAddressFactory(tenant=number.tenant, label="Berlin", country="DE")
    page = post(alice, number, address="").content.decode()
    assert "Choose an address." in page
    assert "Canal house:" in page
    assert "Theirs" not in page
    assert "Berlin" not in page
    page = post(alice, number, address=str(address.pk)).content.decode()
    assert "Being validated" in page
    assert "Canal house:" not in page, "it has that one"


def test_a_number_without_calls_needs_none_and_offers_none(alice, acme):
    number = PhoneNumberFactory(tenant=acme, capabilities=["sms"])
    answer = post(alice, number, **TYPED)
    page = answer.content.decode()
    assert "No calls are made from this number" in page
    assert "Not needed" in page
    assert 'name="street"' not in page
    assert not EmergencyAddress.objects.exists()


def test_strangers_and_members_change_nothing(bob, mallory, number):
    assert post(mallory, number, **TYPED).status_code == 404
    assert post(bob, number, **TYPED).status_code == 403
    assert not EmergencyAddress.objects.exists()


def test_staff_say_that_the_emergency_services_know(number, client):
    number.emergency_address = EmergencyAddressFactory(tenant=number.tenant)
    number.emergency_state = "pending"
    number.save()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    path = "/admin/numbers/phonenumber/"
    chosen = {"action": "confirm_emergency_addresses", "_selected_action": str(number.pk)}
    asked = client.post(path, chosen).content.decode()
    pair = f"{number.pk}.{number.emergency_address_id}"
    assert f'name="seen" value="{pair}"' in asked
    assert "Keizersgracht 100" in asked
    number.refresh_from_db()
    assert number.emergency_state == "pending", "asked, not done"
    answer = client.post(path, {**chosen, "seen": pair}, follow=True)
    assert "1 validated" in answer.content.decode()
    number.refresh_from_db()
    assert number.emergency_state == "validated"
    for seen, told in (("x.y", "None of these waits"), (pair, "1 left as they are")):
        again = client.post(path, {**chosen, "seen": seen}, follow=True)
        assert told in again.content.decode()
