from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from cliqtel_portal.errors import InvalidArguments, NotFound
from cliqtel_portal.numbers.services import (
    NumberFilters,
    TrunkFilters,
    count_numbers,
    count_trunks,
    list_numbers,
    list_trunks,
)
from tests.factories.callflows import CallFlowFactory
from tests.factories.numbers import EmergencyAddressFactory, PhoneNumberFactory
from tests.factories.trunks import TrunkFactory


def listed(tenant, *, limit=20, after=None, **filters):
    return list_numbers(tenant, NumberFilters(**filters), limit=limit, after=after)


def trunks(tenant, *, limit=20, after=None, **filters):
    return list_trunks(tenant, TrunkFilters(**filters), limit=limit, after=after)


def e164s(page):
    return [number.e164 for number in page.numbers]


def test_a_number_says_where_it_leads_and_what_it_costs(acme):
    trunk = TrunkFactory(tenant=acme, name="HQ")
    flow = CallFlowFactory(tenant=acme, name="Reception", status="draft", active_revision=None)
    renews_at = datetime(2090, 1, 1, tzinfo=UTC)
    PhoneNumberFactory(tenant=acme, e164="+31205550001", trunk=trunk, renews_at=renews_at)
    PhoneNumberFactory(tenant=acme, e164="+31205550002", call_flow=flow, tags=["main"])
    PhoneNumberFactory(
        tenant=acme,
        e164="+31205550003",
        emergency_state="validated",
        emergency_address=EmergencyAddressFactory(tenant=acme),
    )
    on_trunk, in_flow, loose = listed(acme).numbers
    assert (on_trunk.assigned_to.kind, on_trunk.assigned_to.name) == ("trunk", "HQ")
    assert on_trunk.flow_state == "none"
    assert on_trunk.renews_at == renews_at
    assert on_trunk.monthly.plain == "1.00"
    assert (in_flow.assigned_to.kind, in_flow.assigned_to.target_id) == ("call_flow", flow.id)
    assert in_flow.flow_state == "draft"
    assert in_flow.tags == ("main",)
    assert loose.assigned_to is None
    assert loose.emergency_state == "validated"


def test_nobody_sees_numbers_of_another_tenant(acme, mallory):
    PhoneNumberFactory(tenant=acme)
    TrunkFactory(tenant=acme)
    assert listed(mallory.tenant).numbers == ()
    assert count_numbers(mallory.tenant, NumberFilters()) == ()
    assert trunks(mallory.tenant).trunks == ()


def test_another_tenants_trunk_is_not_found(acme, mallory):
    theirs = TrunkFactory(tenant=acme)
    PhoneNumberFactory(tenant=acme, trunk=theirs)
    for trunk_id in (theirs.id, uuid.uuid4()):
        with pytest.raises(NotFound, match="kind trunks"):
            listed(mallory.tenant, trunk_id=trunk_id)
        with pytest.raises(NotFound):
            count_numbers(mallory.tenant, NumberFilters(trunk_id=trunk_id))
        with pytest.raises(NotFound):
            trunks(mallory.tenant, trunk_id=trunk_id)
    assert len(listed(acme, trunk_id=theirs.id).numbers) == 1


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"country": "GB"}, ["+442079460001"]),
        ({"status": "disabled"}, ["+442079460001"]),
        ({"status": "released"}, ["+31205559999"]),
        ({"tag": "sales"}, ["+31205550001"]),
        ({"tag": "sale"}, []),
        ({"contains": "794"}, ["+442079460001"]),
        ({"contains": "+31 20"}, ["+31205550001"]),
        ({"contains": "020 555"}, ["+31205550001"]),
        ({"contains": "+20"}, []),
    ],
)
def test_filters(acme, filters, expected):
    PhoneNumberFactory(tenant=acme, e164="+31205550001", tags=["sales", "main"])
    PhoneNumberFactory(tenant=acme, e164="+442079460001", country="GB", status="disabled")
    PhoneNumberFactory(tenant=acme, e164="+31205559999", status="released")
    assert e164s(listed(acme, **filters)) == expected


def test_part_of_a_number_without_digits_is_refused(acme):
    with pytest.raises(InvalidArguments) as caught:
        listed(acme, contains="%_")
    assert caught.value.problems[0].field == "contains"


def test_pages_follow_each_other_also_where_a_number_was_had_twice(acme):
    for n in range(3):
        PhoneNumberFactory(tenant=acme, e164="+31205550001", status="released")
        PhoneNumberFactory(tenant=acme, e164=f"+3120555001{n}", status="released")
    seen, after = [], None
    while True:
        page = listed(acme, status="released", limit=2, after=after)
        seen += [number.number_id for number in page.numbers]
        after = page.next_after
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 6


def test_only_assigned_ones(acme):
    PhoneNumberFactory(tenant=acme)
    number = PhoneNumberFactory(tenant=acme, trunk=TrunkFactory(tenant=acme))
    assert e164s(listed(acme, assigned_only=True)) == [number.e164]


def test_counts_by_country_and_status(acme, django_assert_num_queries):
    PhoneNumberFactory.create_batch(2, tenant=acme)
    PhoneNumberFactory(tenant=acme, status="porting")
    PhoneNumberFactory(tenant=acme, status="released")
    PhoneNumberFactory(tenant=acme, e164="+442079460001", country="GB")
    with django_assert_num_queries(1):
        counts = count_numbers(acme, NumberFilters())
    assert [(row.country, row.status, row.count) for row in counts] == [
        ("GB", "active", 1),
        ("NL", "active", 2),
        ("NL", "porting", 1),
    ]


def test_trunks_come_by_name_with_the_count_of_their_numbers(acme):
    hq = TrunkFactory(tenant=acme, name="HQ")
    TrunkFactory(tenant=acme, name="Branch")
    PhoneNumberFactory.create_batch(2, tenant=acme, trunk=hq)
    first = trunks(acme, limit=1)
    assert [(trunk.name, trunk.numbers) for trunk in first.trunks] == [("Branch", 0)]
    second = trunks(acme, limit=1, after=first.next_after)
    assert [(trunk.name, trunk.numbers) for trunk in second.trunks] == [("HQ", 2)]
    assert second.next_after is None
    assert [t.name for t in trunks(acme, contains="hq").trunks] == ["HQ"]


def test_lists_take_the_same_queries_however_long(acme, django_assert_num_queries):
    trunk = TrunkFactory(tenant=acme)
    PhoneNumberFactory.create_batch(12, tenant=acme, trunk=trunk)
    for limit in (1, 10):
        with django_assert_num_queries(1):
            listed(acme, limit=limit)
        with django_assert_num_queries(2):
            listed(acme, limit=limit, trunk_id=trunk.id)
        with django_assert_num_queries(1):
            trunks(acme, limit=limit)


def test_trunks_are_counted_by_registration_state(acme, mallory, django_assert_num_queries):
    TrunkFactory(tenant=acme, registered=True)
    TrunkFactory.create_batch(2, tenant=acme)
    TrunkFactory(tenant=mallory.tenant)
    with django_assert_num_queries(1):
        counts = count_trunks(acme, TrunkFilters())
    assert [(row.status, row.count) for row in counts] == [("never", 2), ("registered", 1)]


def test_an_archived_flow_counts_as_none(acme):
    PhoneNumberFactory(tenant=acme, call_flow=CallFlowFactory(tenant=acme, status="archived"))
    assert listed(acme).numbers[0].flow_state == "none"
