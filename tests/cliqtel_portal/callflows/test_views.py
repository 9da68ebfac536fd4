from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership, Tenant
from tests.factories.accounts import MembershipFactory
from tests.factories.call_flow_graphs import flow as graph_of
from tests.factories.call_flow_graphs import play
from tests.factories.callflows import (
    CallFlowFactory,
    ChangeFactory,
    RevisionFactory,
    make_flow,
    retitled,
)
from tests.factories.numbers import PhoneNumberFactory

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
    bob: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    flow = make_flow(bob.tenant, name="Reception", revisions=12)
    for index in range(25):
        PhoneNumberFactory(tenant=bob.tenant, e164=f"+44207946{index:04}", call_flow=flow)
    RevisionFactory(call_flow=flow, number=13, author_label="Claude", author_kind="ai_host")
    client = signed_in(bob)
    # Session, person, memberships, flow, numbers, pending changes, revisions.
    with django_assert_num_queries(7):
        page = client.get(reverse("callflows:detail", args=[flow.pk])).content.decode()
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page
    assert "Call flow Reception" in page
    assert "Main menu" in page
    assert "key 1:" in page
    assert "Revision 12" in page
    assert "AI host" in page
    assert "and more" in page
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
