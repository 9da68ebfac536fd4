from __future__ import annotations

import uuid

import pytest

from cliqtel_portal.errors import InvalidArguments, NotFound
from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.errors import ConnectionChanged, NumberUnavailable
from cliqtel_portal.numbers.services.assignment import assign_number, plan_assignment
from tests.factories.callflows import CallFlowFactory, make_flow
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory


def assign(tenant, number, kind, target=None, **more):
    values = {"key": "key-1", "by_label": "Alice", **more}
    return assign_number(
        tenant,
        e164=number.e164,
        target_kind=kind,
        target_id=target.pk if target else None,
        **values,
    )


def test_a_number_moves_from_a_trunk_to_a_call_flow_and_on_record(acme):
    trunk, flow = TrunkFactory(tenant=acme, name="HQ"), make_flow(acme, name="Sales")
    number = PhoneNumberFactory(tenant=acme, trunk=trunk)
    approval_id = uuid.uuid4()
    moved = assign(
        acme, number, "call_flow", flow, if_currently=str(trunk.pk), approval_id=approval_id
    )
    assert (moved.previous.reference, moved.current.reference) == (str(trunk.pk), str(flow.pk))
    number.refresh_from_db()
    assert (number.trunk_id, number.call_flow_id) == (None, flow.pk)
    change = NumberChange.objects.for_tenant(acme).get()
    assert change.before == {"kind": "trunk", "id": str(trunk.pk), "name": "HQ"}
    assert change.after == {"kind": "call_flow", "id": str(flow.pk), "name": "Sales"}
    assert (change.by_label, change.approval_id) == ("Alice", approval_id)


def test_what_was_previous_undoes_it(acme):
    trunk = TrunkFactory(tenant=acme)
    number = PhoneNumberFactory(tenant=acme, trunk=trunk)
    moved = assign(acme, number, "none")
    number.refresh_from_db()
    assert (number.trunk_id, number.call_flow_id) == (None, None)
    assign_number(
        acme,
        e164=number.e164,
        target_kind=moved.previous.kind,
        target_id=moved.previous.place_id,
        if_currently="none",
        key="key-2",
        by_label="Alice",
    )
    number.refresh_from_db()
    assert number.trunk_id == trunk.pk


def test_the_same_key_again_changes_nothing_more(acme):
    first, second = TrunkFactory(tenant=acme), TrunkFactory(tenant=acme)
    number = PhoneNumberFactory(tenant=acme)
    once = assign(acme, number, "trunk", first, if_currently="none")
    # Somebody moved it on meanwhile: the repeat of the first must not take that back.
    assign(acme, number, "trunk", second, key="key-2")
    again = assign(acme, number, "trunk", first, if_currently="none")
    assert (again.previous, again.current) == (once.previous, once.current)
    number.refresh_from_db()
    assert number.trunk_id == second.pk
    assert NumberChange.objects.count() == 2


def test_a_connection_that_changed_meanwhile_is_told_and_kept(acme):
    trunk = TrunkFactory(tenant=acme, name="HQ")
    number = PhoneNumberFactory(tenant=acme, trunk=trunk)
    with pytest.raises(ConnectionChanged, match="trunk “HQ”") as caught:
        assign(acme, number, "none", if_currently="none")
    assert str(trunk.pk) in caught.value.message
    number.refresh_from_db()
    assert number.trunk_id == trunk.pk
    assert not NumberChange.objects.exists()


@pytest.mark.parametrize(
    ("status", "reason"),
    [("porting", "being ported"), ("quarantine", "given up"), ("released", "released")],
)
def test_a_number_that_is_not_quite_ours_is_not_connected(acme, status, reason):
    number = PhoneNumberFactory(tenant=acme, status=status)
    with pytest.raises(NumberUnavailable, match=reason):
        assign(acme, number, "trunk", TrunkFactory(tenant=acme))
    assert not NumberChange.objects.exists()


def test_all_problems_come_at_once(acme):
    number = PhoneNumberFactory(tenant=acme, status="porting")
    with pytest.raises(NumberUnavailable) as caught:
        plan_assignment(acme, e164=number.e164, target_kind="trunk", target_id=uuid.uuid4())
    assert [problem.field for problem in caught.value.problems] == ["number", "target_id"]


@pytest.mark.parametrize(
    ("kind", "make", "reason"),
    [
        ("trunk", lambda tenant: TrunkFactory(tenant=tenant, status="disabled"), "disabled"),
        ("call_flow", lambda tenant: CallFlowFactory(tenant=tenant), "nothing published"),
        ("trunk", lambda tenant: None, "Give the id"),
        ("none", lambda tenant: TrunkFactory(tenant=tenant), "Leave it out"),
    ],
)
def test_a_target_that_takes_no_calls_is_refused(acme, kind, make, reason):
    number = PhoneNumberFactory(tenant=acme)
    with pytest.raises(InvalidArguments) as caught:
        assign(acme, number, kind, make(acme))
    (problem,) = caught.value.problems
    assert problem.field == "target_id"
    assert reason in problem.message


def test_the_present_connection_is_nothing_to_approve(acme):
    trunk = TrunkFactory(tenant=acme)
    number = PhoneNumberFactory(tenant=acme, trunk=trunk)
    with pytest.raises(InvalidArguments) as caught:
        assign(acme, number, "trunk", trunk)
    assert "connected there already" in caught.value.problems[0].message
    with pytest.raises(InvalidArguments) as caught:
        assign(acme, PhoneNumberFactory(tenant=acme), "none")
    assert "disconnected already" in caught.value.problems[0].message


def test_neither_number_nor_target_of_another_tenant_is_found(acme, mallory):
    number, trunk = PhoneNumberFactory(tenant=acme), TrunkFactory(tenant=acme)
    with pytest.raises(NotFound):
        assign(mallory.tenant, number, "none")
    own = PhoneNumberFactory(tenant=mallory.tenant)
    with pytest.raises(NotFound, match="no such trunk"):
        assign(mallory.tenant, own, "trunk", trunk)
    with pytest.raises(NotFound, match="no such call flow"):
        assign(acme, number, "call_flow", trunk)
    assert not NumberChange.objects.exists()


def test_a_number_that_came_back_is_the_present_one(acme):
    PhoneNumberFactory(tenant=acme, e164="+31205550001", status="released")
    present = PhoneNumberFactory(tenant=acme, e164="+31205550001")
    trunk = TrunkFactory(tenant=acme)
    assert assign(acme, present, "trunk", trunk).number.pk == present.pk
