from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.callflows import drafts
from cliqtel_portal.callflows.errors import (
    CallFlowNotFound,
    ChangeNotFound,
    FlowArchived,
    FlowUnsound,
    NothingChanges,
    RevisionNotFound,
    StaleBase,
    TooManyChanges,
)
from cliqtel_portal.callflows.graph import GraphError
from cliqtel_portal.callflows.models import CallFlow, Change, Revision
from tests.factories.call_flow_graphs import node, play
from tests.factories.callflows import (
    CallFlowFactory,
    ChangeFactory,
    RevisionFactory,
    make_flow,
    retitled,
)
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db

RING_LONGER = {"op": "update_node", "id": "sales", "config": {"ring_seconds": 40}}


def draft(tenant: Tenant, flow: CallFlow, *operations: object, **options: Any) -> drafts.Draft:
    base = flow.active_revision or flow.revisions.order_by("-number")[0]
    values: dict[str, Any] = {
        "call_flow_id": flow.pk,
        "base_etag": base.etag,
        "operations": operations,
        "author_label": "Claude (token Ops)",
        "author_kind": "ai_host",
        **options,
    }
    return drafts.draft_change(tenant, **values)


def test_a_draft_waits_and_tells_what_it_changes(acme: Tenant) -> None:
    flow = make_flow(acme)
    PhoneNumberFactory(tenant=acme, e164="+442079460001", call_flow=flow)
    drafted = draft(acme, flow, RING_LONGER)
    change = Change.objects.get()
    assert drafted.change == change
    assert (change.status, change.author_label, change.author_kind) == (
        "pending",
        "Claude (token Ops)",
        "ai_host",
    )
    assert change.operations == [RING_LONGER]
    assert change.etag != flow.active_revision.etag
    assert [each.new.id for each in drafted.changes.changed_nodes] == ["sales"]
    assert drafted.numbers == ("+442079460001",)
    assert drafted.findings == ()
    # No call notices.
    assert Revision.objects.count() == 1
    flow.refresh_from_db()
    assert flow.active_revision.number == 1


def test_a_dry_run_checks_all_and_stores_nothing(acme: Tenant) -> None:
    flow = make_flow(acme)
    assert draft(acme, flow, RING_LONGER, dry_run=True).changes
    with pytest.raises(GraphError):
        draft(acme, flow, {"op": "remove_node", "id": "gone"}, dry_run=True)
    with pytest.raises(NothingChanges):
        draft(acme, flow, {"op": "set_entry", "id": "hours"}, dry_run=True)
    assert not Change.objects.exists()


def test_a_stale_etag_is_told_what_changed_since(acme: Tenant) -> None:
    flow = make_flow(acme)
    old = flow.active_revision
    flow.active_revision = RevisionFactory(
        call_flow=flow, number=2, graph=retitled("sales", "Sales desk")
    )
    flow.save()
    with pytest.raises(StaleBase, match="was at revision 1 and is at revision 2") as caught:
        draft(acme, flow, RING_LONGER, base_etag=old.etag)
    assert caught.value.code == "stale_base"
    assert caught.value.current_etag == flow.active_revision.etag
    assert [problem.message for problem in caught.value.problems] == [
        "Changed “Sales team”: title → “Sales desk”"
    ]
    with pytest.raises(StaleBase, match="never in the state") as caught:
        draft(acme, flow, RING_LONGER, base_etag="f" * 64)
    assert caught.value.problems == ()


def test_the_state_counts_and_not_the_number_of_the_revision(acme: Tenant) -> None:
    """Changed and changed back: what was read is how it is."""
    flow = make_flow(acme, revisions=3)
    base = flow.revisions.get(number=1)
    assert draft(acme, flow, RING_LONGER, base_etag=base.etag).base.number == 3


def test_every_wrong_operation_is_told_at_once(acme: Tenant) -> None:
    flow = make_flow(acme)
    with pytest.raises(GraphError) as caught:
        draft(
            acme,
            flow,
            {"op": "remove_node", "id": "gone"},
            {"op": "update_node", "id": "sales", "config": {"ring_seconds": 1}},
            {"op": "paint_node", "id": "sales"},
        )
    assert {problem.field for problem in caught.value.problems} == {
        "operations.0.id",
        "operations.1.config.ring_seconds",
        "operations.2.op",
    }
    assert not Change.objects.exists()


def test_a_result_that_loses_calls_is_refused_and_a_warning_told(acme: Tenant) -> None:
    flow = make_flow(acme)
    with pytest.raises(FlowUnsound) as caught:
        draft(acme, flow, {"op": "remove_edge", "id": "e5"}, {"op": "remove_edge", "id": "e8"})
    assert len(caught.value.problems) == 2
    assert not Change.objects.exists()
    drafted = draft(acme, flow, {"op": "remove_edge", "id": "e4"})
    assert [finding.code for finding in drafted.findings] == ["unreachable_node"]


def test_a_trunk_of_another_account_is_no_place_for_a_call(
    acme: Tenant, mallory: Membership
) -> None:
    flow = make_flow(acme)
    ours, theirs = TrunkFactory(tenant=acme), TrunkFactory(tenant=mallory.tenant)

    def to(trunk_id: uuid.UUID) -> list[dict[str, Any]]:
        return [
            {"op": "add_node", **node("pbx", "trunk", trunk_id=str(trunk_id))},
            {"op": "add_edge", "id": "p1", "from": "hours", "to": "pbx", "on": "holiday"},
        ]

    assert draft(acme, flow, *to(ours.pk)).change.pk
    with pytest.raises(FlowUnsound, match="does not have"):
        draft(acme, flow, *to(theirs.pk))
    assert Change.objects.count() == 1


def test_what_changes_nothing_is_not_drafted(acme: Tenant) -> None:
    flow = make_flow(acme, revisions=2)
    with pytest.raises(NothingChanges):
        draft(acme, flow, {"op": "update_node", "id": "sales", "config": {"ring_seconds": 20}})
    with pytest.raises(NothingChanges):
        publication(acme, flow, 1)


def test_only_so_many_changes_of_one_flow_wait(acme: Tenant, settings: Any) -> None:
    settings.CALLFLOWS_MAX_PENDING_CHANGES = 2
    flow = make_flow(acme)
    first = draft(acme, flow, RING_LONGER).change
    draft(acme, flow, {"op": "remove_edge", "id": "e4"})
    with pytest.raises(TooManyChanges):
        draft(acme, flow, {"op": "remove_edge", "id": "e3"})
    assert draft(acme, make_flow(acme), RING_LONGER)
    drafts.reject_change(acme, change_id=first.pk)
    assert draft(acme, flow, {"op": "remove_edge", "id": "e3"})


def test_flows_that_cannot_change_say_why(acme: Tenant, mallory: Membership) -> None:
    flow = make_flow(acme)
    with pytest.raises(CallFlowNotFound):
        draft(mallory.tenant, flow, RING_LONGER)
    empty = CallFlowFactory(tenant=acme)
    with pytest.raises(CallFlowNotFound, match="Nothing is saved"):
        draft(acme, flow, RING_LONGER, call_flow_id=empty.pk)
    with pytest.raises(FlowArchived):
        draft(acme, make_flow(acme, status="archived"), RING_LONGER)
    assert not Change.objects.exists()


def publication(tenant: Tenant, flow: CallFlow, revision: int, **options: Any) -> drafts.Draft:
    return drafts.draft_publication(
        tenant,
        call_flow_id=flow.pk,
        revision=revision,
        author_label="Alice",
        author_kind="human",
        **options,
    )


def test_a_roll_back_is_a_draft_too(acme: Tenant, mallory: Membership) -> None:
    flow = make_flow(acme)
    flow.active_revision = RevisionFactory(
        call_flow=flow, number=2, graph=retitled("sales", "Sales desk")
    )
    flow.save()
    drafted = publication(acme, flow, 1)
    assert (drafted.change.restores.number, drafted.base.number) == (1, 2)
    assert drafted.change.etag == flow.revisions.get(number=1).etag
    assert [each.new.title for each in drafted.changes.changed_nodes] == ["Sales team"]
    with pytest.raises(RevisionNotFound, match="no revision 3: its newest is 2"):
        publication(acme, flow, 3)
    with pytest.raises(CallFlowNotFound):
        publication(mallory.tenant, flow, 1)


def test_the_first_publication_of_a_draft_flow_is_worth_asking_for(acme: Tenant) -> None:
    drafted = publication(acme, make_flow(acme, status="draft"), 1)
    assert not drafted.changes
    assert drafted.change.pk


def test_a_rejection_is_for_what_waits_and_for_its_tenant(
    acme: Tenant, mallory: Membership
) -> None:
    change = draft(acme, make_flow(acme), RING_LONGER).change
    with pytest.raises(ChangeNotFound):
        drafts.reject_change(mallory.tenant, change_id=change.pk)
    change.refresh_from_db()
    assert change.status == "pending"
    for _ in range(2):
        drafts.reject_change(acme, change_id=change.pk)
        change.refresh_from_db()
        assert change.status == "rejected"


def test_a_change_is_read_in_its_tenant_only(acme: Tenant, mallory: Membership) -> None:
    change = draft(acme, make_flow(acme), RING_LONGER).change
    read = drafts.draft_of(acme, change_id=change.pk)
    assert (read.change, len(read.changes.changed_nodes)) == (change, 1)
    with pytest.raises(ChangeNotFound):
        drafts.draft_of(mallory.tenant, change_id=change.pk)


def test_a_change_whose_trunk_is_gone_can_be_published_no_more(acme: Tenant) -> None:
    trunk = TrunkFactory(tenant=acme)
    flow = make_flow(acme)
    change = draft(
        acme,
        flow,
        {"op": "add_node", **node("pbx", "trunk", trunk_id=str(trunk.pk))},
        {"op": "add_edge", "id": "p1", "from": "hours", "to": "pbx", "on": "holiday"},
    ).change
    drafts.check_publishable(drafts.draft_of(acme, change_id=change.pk))
    trunk.delete()
    with pytest.raises(FlowUnsound):
        drafts.check_publishable(drafts.draft_of(acme, change_id=change.pk))


@pytest.mark.parametrize(
    "hostile",
    [
        {"op": "add_node", **play("x", "a\x00b")},
        {"op": "update_node", "id": "sales", "config": {"\x00": None}},
        {"op": "update_node", "id": "sales", "title": "\ud800"},
        {"op": "update_node", "id": "sales", "title": "\u202eelas"},
    ],
)
def test_what_the_database_cannot_keep_is_refused(acme: Tenant, hostile: object) -> None:
    with pytest.raises(GraphError):
        draft(acme, make_flow(acme), hostile)


def test_what_is_null_is_not_stored(acme: Tenant) -> None:
    drafted = draft(acme, make_flow(acme), {**RING_LONGER, "title": None, "\x00": None})
    assert drafted.change.operations == [RING_LONGER]


@pytest.mark.parametrize(
    "update",
    [
        {"graph": {}},
        {"etag": "0" * 64},
        {"operations": [{"op": "remove_node", "id": "sales"}]},
        {"author_label": "somebody"},
    ],
)
def test_what_was_proposed_is_frozen(acme: Tenant, update: dict[str, Any]) -> None:
    change = draft(acme, make_flow(acme), RING_LONGER).change
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        Change.objects.filter(pk=change.pk).update(**update)


def test_what_was_decided_is_over_and_never_deleted(acme: Tenant) -> None:
    change = ChangeFactory(base_revision=make_flow(acme).active_revision, status="rejected")
    with pytest.raises(IntegrityError, match="decided"), transaction.atomic():
        Change.objects.filter(pk=change.pk).update(status="pending")
    with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic():
        Change.objects.filter(pk=change.pk).delete()


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("callflows_change_etag_sha256", {"etag": "abc"}),
        ("callflows_change_author_kind_valid", {"author_kind": "ghost"}),
        ("callflows_change_edits_or_restores", {"operations": []}),
        ("callflows_change_published_has_revision", {"status": "published"}),
    ],
)
def test_the_database_refuses_a_change_that_cannot_be(
    acme: Tenant, constraint: str, fields: dict[str, Any]
) -> None:
    base = make_flow(acme).active_revision
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ChangeFactory(base_revision=base, **fields)


def test_a_change_restores_a_revision_of_its_own_flow(acme: Tenant) -> None:
    base, other = make_flow(acme).active_revision, make_flow(acme).active_revision
    ChangeFactory(base_revision=base, operations=[], restores=other)
    with (
        connection.cursor() as cursor,
        pytest.raises(IntegrityError, match="callflows_change_restores_own"),
    ):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
