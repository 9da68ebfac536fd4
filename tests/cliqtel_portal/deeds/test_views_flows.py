from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Approval
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.callflows.models import CallFlow, Change, Revision
from tests.factories.accounts import MembershipFactory
from tests.factories.callflows import ChangeFactory, RevisionFactory, make_flow, retitled

pytestmark = pytest.mark.django_db


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


@pytest.fixture
def flow(acme: Tenant) -> CallFlow:
    """At revision 2; there is a revision 1 to go back to."""
    made = make_flow(acme, graph=retitled("sales", "Sales desk"))
    made.active_revision = RevisionFactory(call_flow=made, number=2)
    made.save()
    return made


def publish_url(flow: CallFlow, number: int = 1) -> str:
    return reverse("flow_deeds:publish", args=[flow.pk, number])


def test_a_member_asks_for_a_roll_back_and_is_led_to_it(bob: Membership, flow: CallFlow) -> None:
    client = signed_in(bob)
    response = client.post(publish_url(flow))
    approval = Approval.objects.get()
    change = Change.objects.get()
    assert (approval.requester, approval.status, approval.artifact_id) == (
        bob.user,
        "pending",
        change.pk,
    )
    assert (change.author_kind, change.restores.number) == ("human", 1)
    assert response["Location"] == reverse("flow_deeds:change", args=[change.pk])
    assert client.get(response["Location"])["Location"] == f"/approvals/{approval.pk}/"
    # No call notices.
    assert Revision.objects.count() == 2


def test_the_approvals_page_shows_the_difference(bob: Membership, flow: CallFlow) -> None:
    client = signed_in(bob)
    client.post(publish_url(flow))
    approval = Approval.objects.get()
    url = reverse("approvals:detail", args=[approval.pk])
    page = client.get(url).content.decode()
    assert "<bdi>Sales team</bdi></del>" in page
    assert "<bdi>Sales desk</bdi></ins>" in page
    assert f'href="{url}?diff=side"' in page
    assert "No number leads to this flow" in page
    sides = client.get(url, {"diff": "side"}).content.decode()
    assert "Before: revision 2" in sides
    assert f'href="{url}?"' in sides


def test_a_second_click_asks_nobody_again(bob: Membership, flow: CallFlow) -> None:
    client = signed_in(bob)
    first, second = client.post(publish_url(flow)), client.post(publish_url(flow))
    assert first["Location"] == second["Location"]
    assert (Approval.objects.count(), Change.objects.count()) == (1, 1)


def test_a_revision_like_the_active_one_is_a_sentence(bob: Membership, flow: CallFlow) -> None:
    response = signed_in(bob).post(publish_url(flow, 2), follow=True)
    assert "Nothing would change" in response.content.decode()
    assert not Approval.objects.exists()


def test_a_viewer_asks_for_nothing(acme: Tenant, flow: CallFlow) -> None:
    viewer = MembershipFactory(tenant=acme, role="viewer")
    assert signed_in(viewer).post(publish_url(flow)).status_code == 403
    assert not Change.objects.exists()


def test_looking_asks_for_nothing(bob: Membership, flow: CallFlow) -> None:
    assert signed_in(bob).get(publish_url(flow)).status_code == 405
    assert Client().post(publish_url(flow)).status_code == 302
    assert not Change.objects.exists()


def test_a_forged_post_is_refused(bob: Membership, flow: CallFlow) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob.user)
    assert client.post(publish_url(flow)).status_code == 403
    assert not Change.objects.exists()


def test_what_is_not_there_is_a_404(bob: Membership, flow: CallFlow) -> None:
    client = signed_in(bob)
    assert client.post(publish_url(flow, 9)).status_code == 404
    change = ChangeFactory(base_revision=flow.active_revision)
    assert client.get(reverse("flow_deeds:change", args=[change.pk])).status_code == 404


def test_mallory_reaches_nothing_of_acme(
    mallory: Membership, bob: Membership, flow: CallFlow
) -> None:
    signed_in(bob).post(publish_url(flow))
    change = Change.objects.get()
    client = signed_in(mallory)
    assert client.post(publish_url(flow)).status_code == 404
    assert client.get(reverse("flow_deeds:change", args=[change.pk])).status_code == 404
    assert Change.objects.count() == 1
