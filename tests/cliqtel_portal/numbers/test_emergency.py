"""Where help is sent: who says so, when it counts, and what is no address."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted
from cliqtel_portal.numbers import postcodes
from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.errors import NumberUnavailable
from cliqtel_portal.numbers.models import EmergencyAddress
from cliqtel_portal.numbers.services.emergency import (
    NewAddress,
    add_address,
    confirm_addresses,
    use_address,
)
from tests.factories.numbers import EmergencyAddressFactory, PhoneNumberFactory

pytestmark = pytest.mark.django_db

TYPED = NewAddress(
    label="Warehouse",
    street=" Keizersgracht\u00a0",
    house_number="100",
    location="Floor 2",
    postal_code="1015cv",
    city="Amsterdam",
)


@pytest.fixture
def number(acme):
    return PhoneNumberFactory(tenant=acme)


def test_a_new_address_is_tidied_and_waits_for_its_confirmation(alice, number):
    add_address(alice, number_id=number.pk, address=TYPED)
    number.refresh_from_db()
    address = number.emergency_address
    assert number.emergency_state == "pending"
    assert (address.street, address.postal_code) == ("Keizersgracht", "1015 CV")
    assert (address.location, address.country, address.validated_at) == ("Floor 2", "NL", None)
    change = NumberChange.objects.get(number=number)
    assert (change.kind, change.by_label) == ("emergency", alice.user.display_name)
    assert change.before == {"state": "none", "address": None}
    assert change.after["address"] == {"id": str(address.pk), "label": "Warehouse"}


def test_the_same_twice_is_one_address_and_one_record(alice, number, acme):
    other = PhoneNumberFactory(tenant=acme)
    for each in (number, number, other):
        add_address(alice, number_id=each.pk, address=TYPED)
    assert EmergencyAddress.objects.count() == 1
    assert NumberChange.objects.filter(number=number).count() == 1


def test_another_address_of_the_same_name_is_refused(alice, number):
    EmergencyAddressFactory(tenant=number.tenant, label="Warehouse", street="Prinsengracht")
    with pytest.raises(InvalidArguments) as raised:
        add_address(alice, number_id=number.pk, address=TYPED)
    assert [problem.field for problem in raised.value.problems] == ["label"]
    number.refresh_from_db()
    assert number.emergency_state == "none"


def test_a_validated_address_still_waits_on_a_number_that_is_new_to_it(alice, number):
    address = EmergencyAddressFactory(tenant=number.tenant)
    seen = {number.pk: address.pk}
    assert confirm_addresses(seen, by_label="Cliqtel") == 0, "there was nothing to confirm"
    use_address(alice, number_id=number.pk, address_id=address.pk)
    assert confirm_addresses(seen, by_label="Cliqtel") == 1
    assert confirm_addresses(seen, by_label="Cliqtel") == 0
    number.refresh_from_db()
    address.refresh_from_db()
    assert number.emergency_state == "validated"
    assert address.validated_at is not None
    second = PhoneNumberFactory(tenant=number.tenant)
    use_address(alice, number_id=second.pk, address_id=address.pk)
    second.refresh_from_db()
    assert second.emergency_state == "pending"
    # Chosen once more, what is validated stays so.
    use_address(alice, number_id=number.pk, address_id=address.pk)
    number.refresh_from_db()
    assert number.emergency_state == "validated"


def test_an_address_that_changed_since_staff_saw_it_is_not_confirmed(alice, number):
    old, new = EmergencyAddressFactory.create_batch(2, tenant=number.tenant)
    use_address(alice, number_id=number.pk, address_id=new.pk)
    assert confirm_addresses({number.pk: old.pk}, by_label="Cliqtel") == 0
    number.refresh_from_db()
    new.refresh_from_db()
    assert (number.emergency_state, new.validated_at) == ("pending", None)


def test_all_that_is_wrong_is_told_at_once(alice, number):
    wrong = replace(
        TYPED, label=" ", street="a\u202eb", house_number="1" * 21, location="", postal_code="99"
    )
    with pytest.raises(InvalidArguments) as raised:
        add_address(alice, number_id=number.pk, address=wrong)
    told = {problem.field: problem.message for problem in raised.value.problems}
    assert set(told) == {"label", "street", "house_number", "postal_code"}
    assert told["postal_code"] == "That is no postcode of Netherlands. Write it like 1015 CV."
    assert not EmergencyAddress.objects.exists()


@pytest.mark.parametrize(
    ("country", "typed", "written"),
    [
        ("NL", "1015-cv", "1015 CV"),
        ("GB", "sw1a1aa", "SW1A 1AA"),
        ("GB", "m11ae", "M1 1AE"),
        ("US", "100364038", "10036-4038"),
        ("PL", "00001", "00-001"),
        ("BR", "01310-100", "01310-100"),
        ("NL", "1015", None),
        ("DE", "D-10117", None),
        ("DE", "\u0661\u0660\u0661\u0661\u0667", None),
        ("US", "", None),
    ],
)
def test_postcodes_by_their_country(country, typed, written):
    if written is None:
        with pytest.raises(postcodes.NotAPostcode, match="Write it like"):
            postcodes.as_written(country, typed)
    else:
        assert postcodes.as_written(country, typed) == written


def test_only_admins_of_the_account_and_only_its_own(alice, bob, mallory, number):
    address = EmergencyAddressFactory(tenant=number.tenant)
    Membership.objects.filter(pk=bob.pk).update(role="approver")
    with pytest.raises(NotPermitted):
        use_address(bob, number_id=number.pk, address_id=address.pk)
    with pytest.raises(NotFound):
        use_address(mallory, number_id=number.pk, address_id=address.pk)
    theirs = EmergencyAddressFactory(tenant=mallory.tenant)
    abroad = EmergencyAddressFactory(tenant=number.tenant, country="DE")
    for not_ours in (theirs.pk, abroad.pk, uuid.uuid4()):
        with pytest.raises(NotFound):
            use_address(alice, number_id=number.pk, address_id=not_ours)
    number.refresh_from_db()
    assert number.emergency_state == "none"


@pytest.mark.parametrize(
    "made", [{"status": "quarantine"}, {"status": "released"}, {"capabilities": ["sms"]}]
)
def test_a_number_that_nobody_calls_from_has_none(alice, acme, made):
    number = PhoneNumberFactory(tenant=acme, **made)
    with pytest.raises(NumberUnavailable):
        add_address(alice, number_id=number.pk, address=TYPED)
