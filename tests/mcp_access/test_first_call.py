"""From “Waiting for first call” to green."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.notices.models import Event
from mcp_access import first_call
from mcp_access.models import AccessToken
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token
from tests.factories.oauth import make_session
from tests.mcp_access.oauth.connected import connect

pytestmark = pytest.mark.django_db

OVERVIEW = "/numbers/ai-access/"


def row_of(membership: Membership, path: str) -> tuple[int, str]:
    client = Client()
    client.force_login(membership.user)
    answer = client.get(f"{OVERVIEW}{path}/first-call/", headers={"hx-request": "true"})
    return answer.status_code, answer.content.decode()


def page_of(membership: Membership, path: str = "") -> str:
    client = Client()
    client.force_login(membership.user)
    return client.get(f"{OVERVIEW}{path}").content.decode()


def use(token: AccessToken, **fields: object) -> None:
    values = {
        "last_used_at": timezone.now(),
        "last_used_tool": "whoami",
        "last_used_client": "curl/8 <b>",
        "last_used_address": "192.0.2.7",
    }
    AccessToken.objects.filter(pk=token.pk).update(**(values | fields))


def test_the_row_waits_connects_and_turns_green(alice: Membership) -> None:
    token, plaintext = make_token(alice, name="Ops")
    path = f"tokens/{token.pk}"

    _, waiting = row_of(alice, path)
    use(token, last_used_tool="")
    _, connected = row_of(alice, path)
    use(token)
    _, called = row_of(alice, path)

    assert "Waiting for first call" in waiting
    assert f'hx-get="{OVERVIEW}{path}/first-call/"' in waiting
    assert "Connected" in connected
    assert "hx-get" in connected
    assert "First call" in called
    assert "whoami" in called
    assert "curl/8 &lt;b&gt;" in called
    assert "192.0.2.7" in called
    assert "hx-get" not in called
    assert plaintext not in waiting + connected + called


def test_a_token_that_ends_unused_is_not_waited_for(alice: Membership) -> None:
    token, _ = make_token(alice, revoked_at=timezone.now())

    _, row = row_of(alice, f"tokens/{token.pk}")

    assert "It is refused now." in row
    assert "hx-get" not in row


def test_without_script_the_link_leads_to_the_whole_page(alice: Membership) -> None:
    token, _ = make_token(alice)
    client = Client()
    client.force_login(alice.user)

    answer = client.get(f"{OVERVIEW}tokens/{token.pk}/first-call/")

    assert answer["Location"] == f"{OVERVIEW}tokens/{token.pk}/"
    assert "Check again" in page_of(alice, f"tokens/{token.pk}/")


def test_an_app_is_waited_for_like_a_token(alice: Membership) -> None:
    consent = connect(alice, "Claude", live=0)
    session = make_session(alice, consent.application, family=uuid.uuid4())

    _, waiting = row_of(alice, f"apps/{consent.pk}")
    use(session.access_token)
    _, called = row_of(alice, f"apps/{consent.pk}")

    assert "Waiting for first call" in waiting
    assert "First call" in called


def test_the_overview_waits_for_what_is_new_and_own(alice: Membership, bob: Membership) -> None:
    make_token(alice, name="new one")
    old, _ = make_token(alice, name="old one")
    AccessToken.objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(hours=2))
    used, _ = make_token(alice, name="used one")
    use(used)
    make_token(bob, name="of bob")
    connect(alice, "Fresh app")

    page = page_of(alice)

    assert page.count("Waiting for first call") == 2
    assert "<bdi>new one</bdi> has not been used" in page
    assert "<bdi>Fresh app</bdi> has not been used" in page


def test_only_who_may_see_the_connection_sees_its_row(
    alice: Membership, bob: Membership, mallory: Membership, acme: Tenant
) -> None:
    viewer = MembershipFactory(tenant=acme, role="viewer")
    token, _ = make_token(alice)
    consent = connect(alice)

    for path in (f"tokens/{token.pk}", f"apps/{consent.pk}"):
        assert row_of(mallory, path)[0] == 404
        assert row_of(bob, path)[0] == 404
        assert row_of(viewer, path)[0] == 403
        assert row_of(alice, path)[0] == 200


def test_the_first_use_is_told_to_the_person_alone(alice: Membership) -> None:
    token, plaintext = make_token(alice)

    assert first_call.tell(token.pk)

    event = Event.objects.get()
    assert (event.kind, event.user, event.tenant) == ("token.used", alice.user, alice.tenant)
    assert event.payload == {"token_id": str(token.pk)}
    assert plaintext not in str(event.payload)


def test_an_apps_next_token_is_no_news(alice: Membership) -> None:
    consent = connect(alice, live=0)
    first = make_session(alice, consent.application, family=uuid.uuid4()).access_token
    assert first_call.tell(first.pk)
    use(first)
    following = make_session(alice, consent.application, family=uuid.uuid4()).access_token

    assert not first_call.tell(following.pk)
    assert Event.objects.count() == 1
