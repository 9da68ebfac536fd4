"""What the page of a number says, and offers, over its life."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.numbers.models import PhoneNumber
from tests.factories.accounts import MembershipFactory
from tests.factories.numbers import NumberChangeFactory, PhoneNumberFactory

pytestmark = pytest.mark.django_db


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def page(membership: Membership, number: PhoneNumber) -> str:
    response = signed_in(membership).get(f"/numbers/{number.pk}/")
    assert response.status_code == 200
    return response.content.decode()


def restore(membership: Membership, number: PhoneNumber):
    return signed_in(membership).post(f"/numbers/{number.pk}/restore/", follow=True)


def test_an_admin_brings_a_number_back_on_its_page(acme):
    admin = MembershipFactory(tenant=acme, role="admin")
    number = PhoneNumberFactory(tenant=acme, status="quarantine")
    assert "Bring it back" in page(admin, number)
    assert "is back. Connect it again." in restore(admin, number).content.decode()
    number.refresh_from_db()
    assert number.status == "active"
    shown = page(admin, number)
    assert "Brought back" in shown
    assert admin.user.display_name in shown
    assert "Bring it back" not in shown


def test_others_are_told_who_can(acme, bob):
    number = PhoneNumberFactory(tenant=acme, status="quarantine")
    shown = page(bob, number)
    assert "an admin can bring it back" in shown
    assert "/restore/" not in shown
    for nobody in (bob, MembershipFactory(tenant=acme, role="approver")):
        assert restore(nobody, number).status_code == 403
    number.refresh_from_db()
    assert number.status == "quarantine"


def test_a_stranger_brings_nothing_back(acme, mallory):
    number = PhoneNumberFactory(tenant=acme, status="quarantine")
    assert restore(mallory, number).status_code == 404
    assert signed_in(mallory).get(f"/numbers/{number.pk}/restore/").status_code == 405
    number.refresh_from_db()
    assert number.status == "quarantine"


def test_when_it_is_too_late_there_is_no_button_and_a_click_is_told(alice):
    past = timezone.now() - timedelta(minutes=1)
    number = PhoneNumberFactory(tenant=alice.tenant, status="quarantine", quarantine_until=past)
    assert "/restore/" not in page(alice, number)
    assert "The quarantine is over" in restore(alice, number).content.decode()
    number.refresh_from_db()
    assert number.status == "quarantine"


@pytest.mark.parametrize(
    ("status", "connect", "give_up"),
    [
        ("active", True, True),
        ("disabled", True, True),
        ("provisioning", True, False),
        ("porting", False, False),
        ("quarantine", False, False),
        ("released", False, False),
    ],
)
def test_only_what_would_not_be_refused_is_offered(bob, status, connect, give_up):
    shown = page(bob, PhoneNumberFactory(tenant=bob.tenant, status=status))
    assert ("Send calls to" in shown) is connect
    assert ("/give-up/" in shown) is give_up


def test_the_record_tells_what_was_done_in_words(bob):
    number = PhoneNumberFactory(tenant=bob.tenant)
    nowhere = {"kind": "none", "id": None, "name": ""}
    trunk = {"kind": "trunk", "id": str(number.pk), "name": "HQ <b>"}
    NumberChangeFactory(
        number=number, kind="assigned", before=nowhere, after=trunk, by_label="Eve <i>"
    )
    NumberChangeFactory(number=number, kind="assigned", before=trunk, after=nowhere)
    shown = page(bob, number)
    assert "Connected to trunk “HQ &lt;b&gt;”, before to nowhere" in shown
    assert "Disconnected from trunk “HQ &lt;b&gt;”" in shown
    assert "Eve &lt;i&gt;" in shown


def test_the_list_says_how_long_a_quarantine_lasts(bob):
    # Noon: the same day wherever the tenant is.
    until = timezone.now().replace(hour=12) + timedelta(days=30)
    PhoneNumberFactory(tenant=bob.tenant, status="quarantine", quarantine_until=until)
    shown = signed_in(bob).get("/numbers/").content.decode()
    assert f"{until:%-d %b %Y}" in shown
