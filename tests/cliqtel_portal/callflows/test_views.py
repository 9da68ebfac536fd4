from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership, Tenant
from tests.factories.accounts import MembershipFactory
from tests.factories.call_flow_graphs import flow as graph_of
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


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def test_a_stranger_is_sent_to_the_login(acme: Tenant) -> None:
    flow = make_flow(acme)
    for url in (reverse("callflows:list"), reverse("callflows:detail", args=[flow.pk])):
        response = Client().get(url)
        assert response.status_code == 302
        assert "/account/login/" in response["Location"]


def test_the_flow_page_shows_drawing_steps_and_history(
    bob: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    flow = make_flow(bob.tenant, name="Reception", revisions=12)
    for index in range(25):
        PhoneNumberFactory(tenant=bob.tenant, e164=f"+44207946{index:04}", call_flow=flow)
    RevisionFactory(call_flow=flow, number=13, author_label="Claude", author_kind="ai_host")
    client = signed_in(bob)
    # Session, person, memberships, flow, numbers, their count, pending changes, revisions; and
    # what the shell asks.
    with django_assert_max_num_queries(10):
        page = client.get(reverse("callflows:detail", args=[flow.pk])).content.decode()
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page
    assert "Call flow Reception" in page
    assert "Main menu" in page
    assert "key 1:" in page
    assert "Revision 12" in page
    assert "AI host" in page
    assert f'<a href="/callflows/?flow={flow.pk}">all 25 numbers</a>' in page
    assert "style=" not in page


def test_the_flow_page_shows_findings(bob: Membership) -> None:
    flow = make_flow(bob.tenant, graph=graph_of("a", [play("a")], "a next gone"))
    page = signed_in(bob).get(reverse("callflows:detail", args=[flow.pk])).content.decode()
    assert "which does not exist" in page
    assert "gone (missing)" in page


def test_a_title_is_text_and_never_markup(bob: Membership) -> None:
    graph = graph_of("a", [play("a", "<script>alert(1)</script>")])
    flow = make_flow(bob.tenant, name="<b>x</b>", graph=graph)
    page = signed_in(bob).get(reverse("callflows:detail", args=[flow.pk])).content.decode()
    assert "<script>alert" not in page
    assert "<b>x" not in page


def test_the_flow_page_lists_what_waits(bob: Membership) -> None:
    flow = make_flow(bob.tenant)
    waiting = ChangeFactory(
        base_revision=flow.active_revision, author_label="<b>Claude</b>", author_kind="ai_host"
    )
    decided = ChangeFactory(base_revision=flow.active_revision, status="rejected")
    page = signed_in(bob).get(reverse("callflows:detail", args=[flow.pk])).content.decode()
    assert f"/callflows/changes/{waiting.pk}/" in page
    assert str(decided.pk) not in page
    assert "<b>Claude" not in page


def test_two_revisions_are_compared(bob: Membership) -> None:
    flow = make_flow(bob.tenant, graph=retitled("sales", "Sales desk"))
    older = RevisionFactory(call_flow=flow, number=2)
    flow.active_revision = RevisionFactory(
        call_flow=flow, number=3, graph=retitled("sales", "Sales room")
    )
    flow.save()
    client = signed_in(bob)
    url = reverse("callflows:detail", args=[flow.pk])
    page = client.get(url, {"compare": "1"}).content.decode()
    assert "From revision 1 to revision 3" in page
    assert "<bdi>Sales desk</bdi></del>" in page
    assert "<bdi>Sales room</bdi></ins>" in page
    assert f"/callflows/{flow.pk}/revisions/1/publish/" in page
    assert (
        "Before: revision 2"
        in client.get(url, {"compare": older.number, "diff": "side"}).content.decode()
    )


@pytest.mark.parametrize("number", ["9", "0", "-1", "x", "", "\u0661", "9" * 30])
def test_a_revision_that_is_not_there_is_a_404(bob: Membership, number: str) -> None:
    url = reverse("callflows:detail", args=[make_flow(bob.tenant).pk])
    assert signed_in(bob).get(url, {"compare": number}).status_code == 404


def test_any_two_revisions_are_compared_and_the_old_ones_offered(bob: Membership) -> None:
    flow = make_flow(bob.tenant, graph=retitled("sales", "Sales desk"))
    RevisionFactory(call_flow=flow, number=2, graph=retitled("sales", "Sales hall"))
    flow.active_revision = RevisionFactory(call_flow=flow, number=3)
    flow.save()
    client = signed_in(bob)
    url = reverse("callflows:detail", args=[flow.pk])
    # In time's order, however they are asked for.
    page = client.get(url, {"compare": "2", "with": "1"}).content.decode()
    assert "From revision 1 to revision 2" in page
    assert "<bdi>Sales desk</bdi></del>" in page
    assert "<bdi>Sales hall</bdi></ins>" in page
    assert "Roll back to revision 1" in page
    assert "Roll back to revision 2" in page
    same = client.get(url, {"compare": "3", "with": "3"}).content.decode()
    assert "The steps and paths are the same." in same
    assert "Roll back to" not in same
    assert client.get(url, {"compare": "1", "with": "4"}).status_code == 404


def test_old_revisions_are_a_page_away(bob: Membership) -> None:
    flow = make_flow(bob.tenant, revisions=25)
    client = signed_in(bob)
    url = reverse("callflows:detail", args=[flow.pk])
    first = client.get(url)
    assert [each.number for each in first.context["revisions"]] == [*range(25, 5, -1)]
    assert 'href="?older=6#revisions"' in first.content.decode()
    second = client.get(url, {"older": "6"})
    assert [each.number for each in second.context["revisions"]] == [5, 4, 3, 2, 1]
    assert 'href="?older=' not in second.content.decode()
    assert client.get(url, {"older": "x"}).context["revisions"] == first.context["revisions"]


def test_what_is_wrong_is_said_at_the_step_and_in_the_drawing(bob: Membership) -> None:
    graph = graph_of("a", [play("a", "Hello"), play("b", "Alone")], "a next a")
    flow = make_flow(bob.tenant, graph=graph)
    page = signed_in(bob).get(reverse("callflows:detail", args=[flow.pk])).content.decode()
    row = page[page.index('id="step-b"') :].partition("</tr>")[0]
    assert "No call reaches “Alone”. Lead an edge to it, or remove it." in row
    assert "leads nowhere on “next”" in row
    # The worse of the two is what the box says.
    assert re.search(r'class="flow-node flow-type-play flow-error" data-node="b"', page)
    assert '<a class="nowrap" href="#step-b">Go to the step</a>' in page


def test_a_trunk_is_named_and_another_tenants_is_not(bob: Membership) -> None:
    ours = TrunkFactory(tenant=bob.tenant, name="Amsterdam HQ")
    theirs = TrunkFactory(name="Secret office")
    nodes = [
        node("a", "trunk", trunk_id=str(ours.pk)),
        node("b", "trunk", trunk_id=str(theirs.pk)),
    ]
    flow = make_flow(bob.tenant, graph=graph_of("a", nodes, "a failed b"))
    page = signed_in(bob).get(reverse("callflows:detail", args=[flow.pk])).content.decode()
    assert page.count(">Amsterdam HQ<") == 4  # Two drawings, the list and its settings.
    assert "Secret office" not in page
    assert str(theirs.pk) in page
    RevisionFactory(call_flow=flow, number=2, graph=graph_of("a", [node("a", "hangup")]))
    page = signed_in(bob).get(
        reverse("callflows:detail", args=[flow.pk]), {"compare": "1", "with": "2"}
    )
    assert "<del><bdi>Amsterdam HQ</bdi></del>" in page.content.decode()
    assert "Secret office" not in page.content.decode()


def test_a_flow_that_does_not_parse_says_so(bob: Membership) -> None:
    flow = CallFlowFactory(tenant=bob.tenant)
    RevisionFactory(call_flow=flow, graph={"secret": 1}, etag="0" * 64)
    response = signed_in(bob).get(reverse("callflows:detail", args=[flow.pk]))
    assert response.status_code == 500
    assert "Tell Cliqtel support." in response.content.decode()


def test_a_viewer_compares_and_asks_for_nothing(acme: Tenant) -> None:
    viewer = MembershipFactory(tenant=acme, role="viewer")
    flow = make_flow(acme, graph=retitled("sales", "Sales desk"))
    flow.active_revision = RevisionFactory(call_flow=flow, number=2)
    flow.save()
    page = signed_in(viewer).get(reverse("callflows:detail", args=[flow.pk]), {"compare": "1"})
    assert "Sales desk" in page.content.decode()
    assert "/publish/" not in page.content.decode()


def test_a_flow_without_revision_is_a_404(bob: Membership) -> None:
    flow = CallFlowFactory(tenant=bob.tenant)
    assert signed_in(bob).get(reverse("callflows:detail", args=[flow.pk])).status_code == 404


def test_mallory_sees_nothing_of_acme(mallory: Membership, acme: Tenant) -> None:
    flow = make_flow(acme, name="Secret line")
    client = signed_in(mallory)
    url = reverse("callflows:detail", args=[flow.pk])
    assert client.get(url).status_code == 404
    assert client.get(url, {"compare": 1}).status_code == 404
