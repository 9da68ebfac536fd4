"""No connection left: end one, and go on where one was."""

from __future__ import annotations

import pytest
from django.urls import reverse

from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access.models import AccessToken
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.connected import connect, is_live
from tests.mcp_access.token_form import (
    CREATE,
    NEW,
    carried,
    filled_in,
    signed_in,
    text_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def discover(mallory: Membership) -> Membership:
    """Mallory's tenant in the tier with one connection."""
    Tenant.objects.filter(pk=mallory.tenant_id).update(tier="discover")
    return mallory


def disconnect(token: AccessToken) -> str:
    return reverse("mcp_access:token-disconnect", args=[token.pk])


def test_without_a_connection_left_the_form_offers_to_end_one(discover: Membership) -> None:
    token, _ = make_token(discover, name="Old host")
    client = signed_in(discover)

    page = text_of(client.get(NEW, {"template": "explorer"}))

    assert "Discover allows 1 connected AI host, and" in page
    assert "Old host" in page
    response = client.post(disconnect(token), {"template": "explorer"})
    assert response["Location"] == f"{NEW}?template=explorer"
    token.refresh_from_db()
    assert token.revoked_by == discover.user
    assert client.get(NEW).status_code == 200


def test_what_was_typed_survives_the_disconnecting(discover: Membership) -> None:
    client = signed_in(discover)
    values = filled_in(client, note="ticket 42")
    token, _ = make_token(discover, name="Somebody was faster")

    for path in (NEW, CREATE):
        limit_page = client.post(path, values)
        assert "What you typed is kept." in text_of(limit_page)
    review = client.post(disconnect(token), carried(limit_page))
    assert "ticket 42" in text_of(review)
    client.post(CREATE, carried(review))

    assert AccessToken.objects.live().get().note == "ticket 42"


def test_a_member_is_offered_their_own_connections_only(
    acme: Tenant, alice: Membership, bob: Membership
) -> None:
    Tenant.objects.filter(pk=acme.pk).update(connections=2)
    of_alice, _ = make_token(alice, name="of alice")
    make_token(bob, name="of bob")
    client = signed_in(bob)

    page = text_of(client.get(NEW))

    assert "of bob" in page
    assert "of alice" not in page
    assert "1 more belongs to colleagues." in page
    assert client.post(disconnect(of_alice)).status_code == 404
    of_alice.refresh_from_db()
    assert of_alice.revoked_at is None


def test_a_member_without_any_is_told_whom_to_ask(
    acme: Tenant, alice: Membership, bob: Membership
) -> None:
    Tenant.objects.filter(pk=acme.pk).update(connections=1)
    make_token(alice)

    page = text_of(signed_in(bob).get(NEW))

    assert "None of the connections is yours to end." in page
    assert "1 belongs to colleagues. Ask an admin of Acme Test" in page


def test_an_app_that_holds_the_connection_can_be_ended_as_well(discover: Membership) -> None:
    consent = connect(discover, "Claude")
    client = signed_in(discover)

    page = text_of(client.get(NEW, {"template": "explorer"}))

    assert "Claude" in page
    assert "App, returns to claude.ai" in page
    assert "colleagues" not in page
    response = client.post(
        reverse("mcp_access:app-disconnect", args=[consent.pk]), {"template": "explorer"}
    )
    assert response["Location"] == f"{NEW}?template=explorer"
    assert not is_live(consent)
    assert "Disconnect a host first" not in text_of(client.get(NEW))


def test_a_member_ends_no_app_of_a_colleague(
    acme: Tenant, alice: Membership, bob: Membership, mallory: Membership
) -> None:
    Tenant.objects.filter(pk=acme.pk).update(connections=2)
    consent, own = connect(alice, "of alice"), connect(bob, "of bob")

    page = text_of(signed_in(bob).get(NEW))

    assert "of bob" in page
    assert "of alice" not in page
    assert "1 more belongs to colleagues." in page
    for membership in (bob, mallory):
        path = reverse("mcp_access:app-disconnect", args=[consent.pk])
        assert signed_in(membership).post(path).status_code == 404
    assert [is_live(consent), is_live(own)] == [True, True]


def test_no_connection_of_another_tenant_is_ended(alice: Membership, mallory: Membership) -> None:
    token, _ = make_token(alice)

    assert signed_in(mallory).post(disconnect(token)).status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None
