from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here, as the settings say
from cliqtel_portal.carriers.models import CarrierOperation, SandboxRequest
from cliqtel_portal.carriers.services import perform
from cliqtel_portal.errors import NotFound, NotPermitted
from cliqtel_portal.numbers import tasks
from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.errors import NumberUnavailable, ReleaseBlocked
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.services.release import (
    finish_release,
    plan_release,
    release_number,
    restore_number,
)
from tests.factories.accounts import MembershipFactory
from tests.factories.callflows import make_flow
from tests.factories.carriers import SandboxFaultFactory
from tests.factories.numbers import EmergencyAddressFactory, PhoneNumberFactory, StockNumberFactory
from tests.factories.trunks import TrunkFactory


def give_up(number, **more):
    values = {"quarantine_days": 30, "key": "key-1", "by_label": "Alice", **more}
    return release_number(number.tenant, e164=number.e164, **values)


def overdue(tenant, **fields):
    """A number whose quarantine is over."""
    past = timezone.now() - timedelta(minutes=1)
    return PhoneNumberFactory(tenant=tenant, status="quarantine", quarantine_until=past, **fields)


def test_a_number_given_up_is_in_quarantine_and_on_record(acme):
    number = PhoneNumberFactory(tenant=acme)
    now = timezone.now()
    until = give_up(number, now=now)
    assert until == now + timedelta(days=30)
    number.refresh_from_db()
    assert (number.status, number.quarantine_until) == ("quarantine", until)
    change = NumberChange.objects.for_tenant(acme).get()
    assert (change.kind, change.by_label) == ("given_up", "Alice")
    assert (change.before, change.after["status"]) == ({"status": "active"}, "quarantine")
    assert not CarrierOperation.objects.exists()


def test_the_same_key_again_answers_the_same_and_does_nothing_more(acme, alice):
    number = PhoneNumberFactory(tenant=acme)
    until = give_up(number)
    restore_number(alice, number_id=number.pk)
    assert give_up(number, now=timezone.now() + timedelta(days=5)) == until
    number.refresh_from_db()
    assert number.status == "active"


def test_every_blocker_is_told_at_once(acme):
    number = PhoneNumberFactory(
        tenant=acme,
        trunk=TrunkFactory(tenant=acme, name="HQ"),
        contract_until=timezone.localdate() + timedelta(days=10),
    )
    with pytest.raises(ReleaseBlocked) as caught:
        give_up(number)
    told = [problem.message for problem in caught.value.problems]
    assert told[0] == "It is connected to trunk “HQ”. Disconnect it first."
    assert "under contract until" in told[1]
    number.refresh_from_db()
    assert number.status == "active"
    assert not NumberChange.objects.exists()


def test_a_call_flow_blocks_too(acme):
    number = PhoneNumberFactory(tenant=acme, call_flow=make_flow(acme, name="Sales"))
    (blocker,) = plan_release(acme, e164=number.e164).blockers
    assert "call flow “Sales”" in blocker.message


def test_a_contract_ends_with_its_last_day_where_the_tenant_is(acme):
    number = PhoneNumberFactory(tenant=acme, contract_until=date(2026, 11, 20))
    # 23:30 of that day in Amsterdam, then half past midnight.
    late = timezone.datetime.fromisoformat("2026-11-20T22:30:00+00:00")
    assert plan_release(acme, e164=number.e164, now=late).blockers
    assert not plan_release(acme, e164=number.e164, now=late + timedelta(hours=1)).blockers


@pytest.mark.parametrize("status", ["provisioning", "porting", "quarantine", "released"])
def test_a_number_on_its_way_is_not_given_up(acme, status):
    number = PhoneNumberFactory(tenant=acme, status=status)
    with pytest.raises(ReleaseBlocked):
        give_up(number)
    assert not NumberChange.objects.exists()


def test_a_stranger_gives_nothing_up(acme, mallory):
    number = PhoneNumberFactory(tenant=acme)
    with pytest.raises(NotFound):
        release_number(
            mallory.tenant, e164=number.e164, quarantine_days=1, key="k", by_label="Mallory"
        )
    number.refresh_from_db()
    assert number.status == "active"


def test_an_admin_brings_it_back_as_it_was(acme):
    admin = MembershipFactory(tenant=acme, role="admin")
    address = EmergencyAddressFactory(tenant=acme)
    # What was disabled must not come back active.
    number = PhoneNumberFactory(
        tenant=acme, status="disabled", emergency_state="validated", emergency_address=address
    )
    give_up(number)
    restore_number(admin, number_id=number.pk)
    number.refresh_from_db()
    assert (number.status, number.quarantine_until) == ("disabled", None)
    assert number.emergency_address == address
    assert NumberChange.objects.newest_first().first().by_label == admin.user.display_name
    restore_number(admin, number_id=number.pk)
    assert NumberChange.objects.filter(kind="restored").count() == 1
    give_up(number, key="key-2")
    restore_number(admin, number_id=number.pk)
    assert NumberChange.objects.filter(kind="restored").count() == 2


@pytest.mark.parametrize("role", ["viewer", "member", "approver"])
def test_lesser_roles_bring_nothing_back(acme, role):
    number = PhoneNumberFactory(tenant=acme, status="quarantine")
    with pytest.raises(NotPermitted):
        restore_number(MembershipFactory(tenant=acme, role=role), number_id=number.pk)
    number.refresh_from_db()
    assert number.status == "quarantine"


def test_a_stranger_brings_nothing_back(acme, mallory):
    number = PhoneNumberFactory(tenant=acme, status="quarantine")
    with pytest.raises(NotFound):
        restore_number(mallory, number_id=number.pk)


def test_there_is_no_way_back_when_the_quarantine_is_over(acme, alice):
    number = overdue(acme)
    with pytest.raises(NumberUnavailable, match="over"):
        restore_number(alice, number_id=number.pk)
    with pytest.raises(NumberUnavailable, match="not in quarantine"):
        restore_number(alice, number_id=PhoneNumberFactory(tenant=acme).pk)


def test_the_clock_hands_back_what_is_over_once(acme, django_capture_on_commit_callbacks):
    stock = StockNumberFactory(status="sold")
    number = overdue(acme, e164=stock.e164)
    waiting = PhoneNumberFactory(tenant=acme, status="quarantine")
    with django_capture_on_commit_callbacks(execute=True):
        assert tasks.hand_back_numbers() == 1
        assert tasks.hand_back_numbers() == 0
    number.refresh_from_db()
    assert (number.status, number.quarantine_until) == ("released", None)
    stock.refresh_from_db()
    assert stock.status == "available"
    assert SandboxRequest.objects.filter(kind="release_number").count() == 1
    assert NumberChange.objects.get().kind == "handed_back"
    waiting.refresh_from_db()
    assert waiting.status == "quarantine"


def test_nobody_can_buy_it_before_the_carrier_has_it_back(
    acme, alice, django_capture_on_commit_callbacks
):
    stock = StockNumberFactory(status="sold")
    number = overdue(acme, e164=stock.e164)
    SandboxFaultFactory(kind="release_number", fault="unavailable")
    with django_capture_on_commit_callbacks(execute=True):
        tasks.hand_back_numbers()
    number.refresh_from_db()
    stock.refresh_from_db()
    assert (number.status, stock.status) == ("quarantine", "sold")
    assert number.release_operation.state == "pending"
    with pytest.raises(NumberUnavailable, match="on its way back"):
        restore_number(alice, number_id=number.pk)
    later = timezone.now() + timedelta(hours=1)
    perform(number.release_operation_id, now=later)
    number.refresh_from_db()
    stock.refresh_from_db()
    assert (number.status, stock.status) == ("released", "available")


def test_what_a_carrier_refuses_stays_in_quarantine(acme, django_capture_on_commit_callbacks):
    number = overdue(acme)
    SandboxFaultFactory(kind="release_number", fault="reject")
    with django_capture_on_commit_callbacks(execute=True):
        tasks.hand_back_numbers()
    number.refresh_from_db()
    assert (number.status, number.release_operation.state) == ("quarantine", "failed")
    assert tasks.hand_back_numbers() == 0
    # Staff settled it with the carrier: the next run asks again, on the same day too.
    number.release_operation = None
    number.save()
    with django_capture_on_commit_callbacks(execute=True):
        assert tasks.hand_back_numbers() == 1
    number.refresh_from_db()
    assert number.status == "released"


def test_the_end_comes_once(acme):
    number = overdue(acme)
    finish_release(number.pk)
    finish_release(number.pk)
    assert NumberChange.objects.count() == 1
    assert PhoneNumber.objects.get(pk=number.pk).status == "released"
