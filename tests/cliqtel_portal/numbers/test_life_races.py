"""What two people, or a person and the clock, do to one number at the same moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.errors import ConnectionChanged
from cliqtel_portal.numbers.services.assignment import assign_number
from cliqtel_portal.numbers.services.emergency import use_address
from cliqtel_portal.numbers.services.release import hand_back, restore_number
from tests.factories.numbers import EmergencyAddressFactory, PhoneNumberFactory
from tests.factories.trunks import TrunkFactory
from tests.races import at_once

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


def test_of_many_moves_from_one_base_one_is_done_and_repeats_of_it_do_nothing_more(acme):
    number = PhoneNumberFactory(tenant=acme)
    trunks = [TrunkFactory(tenant=acme) for _ in range(2)]

    def move(index: int) -> Any:
        return assign_number(
            acme,
            e164=number.e164,
            target_kind="trunk",
            target_id=trunks[index].pk,
            if_currently="none",
            key=f"approval:{index}",
            by_label="Alice",
        )

    # Each approval's deed by two workers.
    won, lost = at_once(*[lambda index=index: move(index) for index in (0, 1, 0, 1)])
    number.refresh_from_db()
    assert {done.current.place_id for done in won} == {number.trunk_id}
    assert (len(won), {type(error) for error in lost}) == (2, {ConnectionChanged})
    assert NumberChange.objects.count() == 1


def test_at_the_end_of_a_quarantine_a_number_is_back_or_handed_back_never_both(acme, alice):
    until = timezone.now() + timedelta(seconds=30)
    number = PhoneNumberFactory(tenant=acme, status="quarantine", quarantine_until=until)
    # The person's clock is behind, the beat's has passed the end.
    _, lost = at_once(
        lambda: restore_number(alice, number_id=number.pk, now=until - timedelta(seconds=1)),
        lambda: hand_back(number.pk, now=until),
        lambda: hand_back(number.pk, now=until),
    )
    number.refresh_from_db()
    operations = CarrierOperation.objects.filter(kind="release_number").count()
    restored = NumberChange.objects.filter(kind="restored").count()
    assert (operations, restored) in {(1, 0), (0, 1)}
    assert (number.status == "active") is (restored == 1)
    assert len(lost) == operations


def test_who_sets_an_emergency_address_after_another_knows_what_it_replaces(acme, alice):
    number = PhoneNumberFactory(tenant=acme)
    addresses = EmergencyAddressFactory.create_batch(4, tenant=acme)
    _, lost = at_once(
        *[
            lambda address=address: use_address(alice, number_id=number.pk, address_id=address.pk)
            for address in addresses
        ]
    )
    assert lost == []
    changes = NumberChange.objects.all()
    came = {change.after["address"]["label"] for change in changes}
    went = {change.before["address"]["label"] for change in changes if change.before["address"]}
    number.refresh_from_db()
    assert came - went == {number.emergency_address.label}
    assert len(went) == len(came) - 1
