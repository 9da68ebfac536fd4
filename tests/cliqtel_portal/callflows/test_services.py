from __future__ import annotations

import uuid

import pytest
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.callflows import services
from cliqtel_portal.callflows.errors import CallFlowNotFound, GraphUnreadableError
from tests.factories.call_flow_graphs import flow as graph_of
from tests.factories.call_flow_graphs import play
from tests.factories.callflows import (
    CallFlowFactory,
    ChangeFactory,
    RevisionFactory,
    make_flow,
)
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db

LONDON = "+44207946{:04}"


def test_an_active_flow_is_shown_at_its_active_revision(
    acme: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    flow = make_flow(acme, revisions=2)
    RevisionFactory(call_flow=flow, number=3)
    with django_assert_num_queries(1):
        state = services.flow_by_id(acme, flow.pk)
    assert state.revision.number == 2
    assert state.graph.entry == "hours"
    assert state.findings == ()


def test_a_draft_is_shown_at_its_newest_revision(acme: Tenant) -> None:
    flow = make_flow(acme, revisions=2, status="draft")
    assert services.flow_by_id(acme, flow.pk).revision.number == 2


def test_a_flow_with_dangling_edges_is_shown_with_its_findings(acme: Tenant) -> None:
    flow = make_flow(acme, graph=graph_of("a", [play("a")], "a next gone"))
    findings = services.flow_by_id(acme, flow.pk).findings
    assert [finding.code for finding in findings][:1] == ["dangling_edge"]


def test_an_empty_flow_and_an_unreadable_one_say_so(acme: Tenant) -> None:
    with pytest.raises(CallFlowNotFound, match="Nothing is saved"):
        services.flow_by_id(acme, CallFlowFactory(tenant=acme).pk)
    broken = CallFlowFactory(tenant=acme)
    RevisionFactory(call_flow=broken, graph={"nodes": "?"}, etag="0" * 64)
    with pytest.raises(GraphUnreadableError) as caught:
        services.flow_by_id(acme, broken.pk)
    assert caught.value.code == "internal_error"


def test_the_flow_of_a_number_is_found(
    acme: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    flow = make_flow(acme)
    PhoneNumberFactory(tenant=acme, e164=LONDON.format(1), call_flow=flow)
    with django_assert_num_queries(1):
        state = services.flow_of_number(acme, LONDON.format(1))
    assert state.flow == flow


def test_a_number_without_flow_says_where_its_calls_go(acme: Tenant) -> None:
    PhoneNumberFactory(tenant=acme, e164=LONDON.format(1))
    PhoneNumberFactory(
        tenant=acme, e164=LONDON.format(2), trunk=TrunkFactory(tenant=acme, name="HQ")
    )
    with pytest.raises(CallFlowNotFound, match="calls to it are rejected"):
        services.flow_of_number(acme, LONDON.format(1))
    with pytest.raises(CallFlowNotFound, match="straight to the trunk HQ"):
        services.flow_of_number(acme, LONDON.format(2))


def test_a_released_number_is_no_longer_there(acme: Tenant) -> None:
    PhoneNumberFactory(tenant=acme, e164=LONDON.format(1), status="released")
    with pytest.raises(CallFlowNotFound, match="has no number"):
        services.flow_of_number(acme, LONDON.format(1))
    assert services.routing_of_numbers(acme, limit=10).numbers == ()


def test_mallory_finds_no_flow_of_acme(acme: Tenant, mallory: Membership) -> None:
    flow = make_flow(acme)
    PhoneNumberFactory(tenant=acme, e164=LONDON.format(1), call_flow=flow)
    for flow_id in (flow.pk, uuid.uuid4()):
        with pytest.raises(CallFlowNotFound):
            services.flow_by_id(mallory.tenant, flow_id)
    with pytest.raises(CallFlowNotFound):
        services.flow_of_number(mallory.tenant, LONDON.format(1))
    page = services.routing_of_numbers(mallory.tenant, limit=10)
    assert (page.numbers, page.unused) == ((), ())


def test_each_number_comes_with_status_revision_and_pending_change(acme: Tenant) -> None:
    active = make_flow(acme, revisions=3)
    draft = make_flow(acme, revisions=2, status="draft")
    archived = make_flow(acme, status="archived")
    ChangeFactory(base_revision=active.active_revision, status="rejected")
    older = ChangeFactory(base_revision=active.active_revision)
    newer = ChangeFactory(base_revision=active.active_revision)
    assert older.pk < newer.pk
    for index, flow in enumerate([active, draft, archived, None], 1):
        PhoneNumberFactory(tenant=acme, e164=LONDON.format(index), call_flow=flow)
    rows = services.routing_of_numbers(acme, limit=10).numbers
    assert [(row.status, row.revision, row.pending_change_id) for row in rows] == [
        ("active", 3, newer.pk),
        ("draft", 2, None),
        ("none", None, None),
        ("none", None, None),
    ]
    assert [row.call_flow_id for row in rows] == [active.pk, draft.pk, None, None]
    assert rows[0].updated_at == active.updated_at


@pytest.mark.parametrize(
    ("status", "expected"), [("active", [1]), ("draft", [2]), ("none", [3, 4])]
)
def test_only_numbers_of_the_wanted_status_come(
    acme: Tenant, status: services.RoutingStatus, expected: list[int]
) -> None:
    flows = [make_flow(acme), make_flow(acme, status="draft"), make_flow(acme, status="archived")]
    for index, flow in enumerate([*flows, None], 1):
        PhoneNumberFactory(tenant=acme, e164=LONDON.format(index), call_flow=flow)
    page = services.routing_of_numbers(acme, status=status, limit=10)
    assert [row.e164 for row in page.numbers] == [LONDON.format(index) for index in expected]


def test_pages_follow_each_other_without_gap_or_repetition(acme: Tenant) -> None:
    for index in range(7):
        PhoneNumberFactory(tenant=acme, e164=LONDON.format(index))
    make_flow(acme, name="Unused")
    seen: list[str] = []
    after = ""
    while True:
        page = services.routing_of_numbers(acme, after=after, limit=3)
        assert [flow.name for flow in page.unused] == ([] if after else ["Unused"])
        seen += [row.e164 for row in page.numbers]
        if page.next_after is None:
            break
        after = page.next_after
    assert seen == [LONDON.format(index) for index in range(7)]


def test_a_page_that_just_fits_has_no_next_one(acme: Tenant) -> None:
    for index in range(3):
        PhoneNumberFactory(tenant=acme, e164=LONDON.format(index))
    assert services.routing_of_numbers(acme, limit=3).next_after is None


def test_flows_that_no_held_number_leads_to_are_unused(acme: Tenant) -> None:
    used = make_flow(acme, name="Used")
    PhoneNumberFactory(tenant=acme, e164=LONDON.format(1), call_flow=used)
    make_flow(acme, name="Idle")
    make_flow(acme, name="Sketch", status="draft")
    make_flow(acme, name="Old", status="archived")
    assert [flow.name for flow in services.routing_of_numbers(acme, limit=5).unused] == [
        "Idle",
        "Sketch",
    ]
    drafts = services.routing_of_numbers(acme, status="draft", limit=5)
    assert [flow.name for flow in drafts.unused] == ["Sketch"]
    assert services.routing_of_numbers(acme, status="none", limit=5).unused == ()


def test_a_page_of_numbers_costs_two_queries(
    acme: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for index in range(30):
        PhoneNumberFactory(tenant=acme, e164=LONDON.format(index), call_flow=make_flow(acme))
    with django_assert_num_queries(2):
        page = services.routing_of_numbers(acme, limit=20)
    assert len(page.numbers) == 20
