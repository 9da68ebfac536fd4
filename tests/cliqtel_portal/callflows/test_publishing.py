from __future__ import annotations

import pytest

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.callflows import drafts
from cliqtel_portal.callflows.errors import ChangeClosed, ChangeNotFound, StaleBase
from cliqtel_portal.callflows.models import CallFlow, Change, Revision
from cliqtel_portal.callflows.publishing import Publication, publish_change
from tests.factories.callflows import RevisionFactory, make_flow, retitled
from tests.factories.numbers import PhoneNumberFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db


def title(flow: CallFlow, to: str) -> Change:
    flow = CallFlow.objects.get(pk=flow.pk)
    assert flow.active_revision is not None
    return drafts.draft_change(
        flow.tenant,
        call_flow_id=flow.pk,
        base_etag=flow.active_revision.etag,
        operations=[{"op": "update_node", "id": "sales", "title": to}],
        author_label="Claude (token Ops)",
        author_kind="ai_host",
    ).change


def back_to(flow: CallFlow, revision: int) -> Change:
    return drafts.draft_publication(
        flow.tenant,
        call_flow_id=flow.pk,
        revision=revision,
        author_label="Alice",
        author_kind="human",
    ).change


def publish(change: Change) -> Publication:
    return publish_change(change.tenant, change_id=change.pk, approved_by_label="Bob")


def test_calls_follow_what_was_approved(acme: Tenant) -> None:
    flow = make_flow(acme)
    PhoneNumberFactory(tenant=acme, e164="+442079460001", call_flow=flow)
    change = title(flow, "Sales desk")
    published = publish(change)
    flow.refresh_from_db()
    revision = flow.active_revision
    assert revision is not None
    assert (published.revision, published.previous) == (revision, flow.revisions.get(number=1))
    assert published.numbers == ("+442079460001",)
    assert (revision.number, revision.etag, revision.graph) == (2, change.etag, change.graph)
    assert (revision.author_label, revision.author_kind, revision.approved_by_label) == (
        "Claude (token Ops)",
        "ai_host",
        "Bob",
    )
    assert revision.note == "Changed “Sales team”: title → “Sales desk”"
    change.refresh_from_db()
    assert (change.status, change.revision) == ("published", revision)


def test_asked_again_it_is_the_same_publication(acme: Tenant) -> None:
    flow = make_flow(acme)
    change = title(flow, "Sales desk")
    first = publish(change)
    publish(title(flow, "Sales room"))
    again = publish(change)
    assert (again.revision, again.previous) == (first.revision, first.previous)
    assert Revision.objects.count() == 3
    flow.refresh_from_db()
    assert flow.active_revision is not None
    assert flow.active_revision.number == 3


def test_other_changes_of_the_flow_stay_and_are_stale(acme: Tenant) -> None:
    flow = make_flow(acme)
    change, other = title(flow, "Sales desk"), title(flow, "Sales room")
    publish(change)
    other.refresh_from_db()
    assert other.status == "pending"
    with pytest.raises(StaleBase) as caught:
        publish(other)
    assert [problem.message for problem in caught.value.problems] == [
        "Changed “Sales team”: title → “Sales desk”"
    ]
    other.refresh_from_db()
    assert (other.status, Revision.objects.count()) == ("pending", 2)


def test_a_roll_back_is_a_new_revision_with_the_old_graph(acme: Tenant) -> None:
    flow = make_flow(acme)
    publish(title(flow, "Sales desk"))
    published = publish(back_to(flow, 1))
    first = flow.revisions.get(number=1)
    assert (published.revision.number, published.revision.graph) == (3, first.graph)
    assert published.revision.note == "As revision 1 was"
    assert published.previous is not None
    assert published.previous.number == 2
    undone = publish(back_to(flow, published.previous.number))
    assert undone.revision.etag == published.previous.etag


def test_the_newest_revision_of_a_draft_becomes_active_as_it_is(acme: Tenant) -> None:
    flow = make_flow(acme, status="draft", revisions=2)
    change = back_to(flow, 2)
    published = [publish(change) for _ in range(2)]
    assert [each.revision.number for each in published] == [2, 2]
    assert published[0].previous is None
    flow.refresh_from_db()
    assert (flow.status, flow.active_revision) == ("active", published[0].revision)
    assert Revision.objects.count() == 2


def test_an_older_revision_of_a_draft_is_published_as_a_new_one(acme: Tenant) -> None:
    flow = make_flow(acme, status="draft")
    RevisionFactory(call_flow=flow, number=2, graph=retitled("sales", "Sales desk"))
    published = publish(back_to(flow, 1))
    assert (published.revision.number, published.previous) == (3, None)
    assert published.revision.etag == flow.revisions.get(number=1).etag


def test_a_rejected_change_is_never_published(acme: Tenant) -> None:
    change = title(make_flow(acme), "Sales desk")
    drafts.reject_change(acme, change_id=change.pk)
    with pytest.raises(ChangeClosed):
        publish(change)
    assert Revision.objects.count() == 1


def test_mallory_publishes_nothing_of_acme(acme: Tenant, mallory: Membership) -> None:
    change = title(make_flow(acme), "Sales desk")
    with pytest.raises(ChangeNotFound):
        publish_change(mallory.tenant, change_id=change.pk, approved_by_label="Mallory")
    change.refresh_from_db()
    assert (change.status, Revision.objects.count()) == ("pending", 1)


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_of_two_changes_on_one_base_one_is_published(acme: Tenant) -> None:
    flow = make_flow(acme)
    changes = [title(flow, f"Sales {letter}") for letter in "ab"]
    # Each by two workers: a repetition is the same publication.
    won, lost = at_once(*[lambda change=change: publish(change) for change in changes * 2])
    assert (len(won), {type(error) for error in lost}) == (2, {StaleBase})
    assert {each.revision.number for each in won} == {2}
    assert Revision.objects.count() == 2
    assert sorted(Change.objects.values_list("status", flat=True)) == ["pending", "published"]


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_publishing_against_rejecting_has_one_winner(acme: Tenant) -> None:
    change = title(make_flow(acme), "Sales desk")
    at_once(
        lambda: publish(change), lambda: drafts.reject_change(acme, change_id=change.pk) or "no"
    )
    change.refresh_from_db()
    published = change.status == "published"
    assert change.status in {"published", "rejected"}
    assert Revision.objects.count() == 1 + published
