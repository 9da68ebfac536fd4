from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.models import StockNumber
from tests.factories.callflows import CallFlowFactory
from tests.factories.carriers import CarrierOperationFactory
from tests.factories.numbers import (
    EmergencyAddressFactory,
    NumberChangeFactory,
    PhoneNumberFactory,
    ReservationFactory,
    StockNumberFactory,
)
from tests.factories.trunks import TrunkFactory


def refused(constraint):
    return pytest.raises(IntegrityError, match=constraint)


def test_a_number_is_held_once_but_may_have_been_released_before(acme, mallory):
    PhoneNumberFactory(tenant=mallory.tenant, e164="+31205550001", status="released")
    PhoneNumberFactory(tenant=acme, e164="+31205550001")
    with refused("numbers_number_held_once"), transaction.atomic():
        PhoneNumberFactory(tenant=mallory.tenant, e164="+31205550001")


def test_a_number_leads_to_one_place(acme):
    with refused("numbers_number_one_target"), transaction.atomic():
        PhoneNumberFactory(
            tenant=acme,
            trunk=TrunkFactory(tenant=acme),
            call_flow=CallFlowFactory(tenant=acme),
        )


def test_a_number_leads_nowhere_outside_its_tenant(acme, mallory):
    for target in (
        {"trunk": TrunkFactory(tenant=mallory.tenant)},
        {"call_flow": CallFlowFactory(tenant=mallory.tenant)},
        {
            "emergency_address": EmergencyAddressFactory(tenant=mallory.tenant),
            "emergency_state": "pending",
        },
    ):
        with pytest.raises(IntegrityError, match="of its own tenant"), transaction.atomic():
            PhoneNumberFactory(tenant=acme, **target)
    number = PhoneNumberFactory(tenant=acme, trunk=TrunkFactory(tenant=acme))
    number.tenant = mallory.tenant
    with pytest.raises(IntegrityError, match="of its own tenant"), transaction.atomic():
        number.save()


def test_a_number_given_up_leads_nowhere(acme):
    with refused("given_up_goes_nowhere"), transaction.atomic():
        PhoneNumberFactory(tenant=acme, trunk=TrunkFactory(tenant=acme), status="quarantine")


def test_a_validated_emergency_address_exists(acme):
    with refused("emergency_address_set"), transaction.atomic():
        PhoneNumberFactory(tenant=acme, emergency_state="validated")


@pytest.mark.parametrize("e164", ["31205550001", "+0205550001", "+31 20 555", "+3120555000123456"])
def test_numbers_are_strict_e164(acme, e164):
    with pytest.raises(Exception, match=r"numbers_number_e164|too long"), transaction.atomic():
        PhoneNumberFactory(tenant=acme, e164=e164)


def test_unknown_capabilities_are_refused(acme):
    with refused("numbers_stock_capabilities_valid"), transaction.atomic():
        StockNumberFactory(capabilities=["voice", "telepathy"])


def test_the_national_part_is_part_of_the_number(acme):
    with refused("numbers_stock_national_of_e164"), transaction.atomic():
        StockNumberFactory(e164="+31205550001", national="205550002")


def test_a_number_is_held_by_one_tenant_at_a_time(acme, mallory):
    held = ReservationFactory(tenant=acme)
    with refused("numbers_reservation_one_live"), transaction.atomic():
        ReservationFactory(tenant=mallory.tenant, stock_number=held.stock_number)
    held.released_at = held.expires_at
    held.save()
    ReservationFactory(tenant=mallory.tenant, stock_number=held.stock_number)


@pytest.mark.parametrize("pattern", ["%0123%", "2079%", "%0123"])
def test_patterns_are_looked_up_in_an_index(db, pattern):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT 1 FROM numbers_stocknumber WHERE national LIKE %s", [pattern]
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "numbers_stock_pattern" in plan


def test_a_city_is_looked_up_in_an_index(db):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = StockNumber.objects.filter(area__icontains="amsterdam").explain()
    assert "numbers_stock_area" in plan


def test_a_quarantine_has_an_end_and_nothing_else_has(acme):
    with refused("quarantine_dated"), transaction.atomic():
        PhoneNumberFactory(tenant=acme, status="quarantine", quarantine_until=None)
    with refused("quarantine_dated"), transaction.atomic():
        PhoneNumberFactory(tenant=acme, status="active", quarantine_until=timezone.now())


def test_only_a_number_that_was_given_up_is_handed_back(acme, mallory):
    operation = CarrierOperationFactory(tenant=acme, kind="release_number")
    with refused("handed_back_after_quarantine"), transaction.atomic():
        PhoneNumberFactory(tenant=acme, status="active", release_operation=operation)
    with (
        pytest.raises(IntegrityError, match="for its own tenant"),
        transaction.atomic(),
    ):
        PhoneNumberFactory(tenant=mallory.tenant, status="quarantine", release_operation=operation)
    PhoneNumberFactory(tenant=acme, status="quarantine", release_operation=operation)


def test_the_record_of_a_number_is_append_only_and_of_its_tenant(acme, mallory):
    number = PhoneNumberFactory(tenant=acme)
    change = NumberChangeFactory(number=number)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        NumberChange.objects.update(by_label="nobody")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        change.delete()
    with pytest.raises(IntegrityError, match="tenant of its number"), transaction.atomic():
        NumberChangeFactory(number=number, tenant=mallory.tenant)


def test_a_change_changes_something(acme):
    number = PhoneNumberFactory(tenant=acme)
    with refused("change_changes"), transaction.atomic():
        NumberChangeFactory(number=number, before={"kind": "none"}, after={"kind": "none"})
    with refused("change_kind_valid"), transaction.atomic():
        NumberChangeFactory(number=number, kind="lost")
