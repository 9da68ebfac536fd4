"""The list, one token, revoking and rotating."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access import tokens
from mcp_access.models import AccessToken
from mcp_access.pipeline import execute_tool_call_sync
from mcp_access.services import revoke_as_system
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token, principal_of

pytestmark = pytest.mark.django_db

LIST = "/numbers/ai-access/tokens/"
TOKEN = re.compile(r"ct_mcp_[0-9A-Za-z]{49}")
HOSTILE = '<img src=x onerror=alert(1)> "quoted" שלום'


def signed_in(membership: Membership, **options: bool) -> Client:
    client = Client(**options)
    client.force_login(membership.user)
    return client


def url(name: str, token: AccessToken) -> str:
    return reverse(f"mcp_access:token-{name}", args=[token.pk])


def body(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


# -- the list -------------------------------------------------------------------------------------


def test_the_list_shows_what_tells_tokens_apart(alice: Membership) -> None:
    token, plaintext = make_token(
        alice,
        name="Ops agent",
        scopes=("mcp.docs.read", "mcp.pricing.read", "mcp.orders.draft"),
        last_used_at=timezone.now() - timedelta(minutes=4, seconds=5),
        last_used_tool="search_numbers",
        last_used_client="claude-code 2.1",
        last_used_address="192.0.2.7",
    )

    page = body(signed_in(alice), LIST)

    for text in (
        "Ops agent",
        f"ct_mcp_…{plaintext[-4:]}",
        "2 read, 1 write",
        "4 min ago",
        "search_numbers",
        "claude-code 2.1",
        "192.0.2.7",
        "in 29 days",
        "Active",
    ):
        assert text in page
    assert plaintext not in page
    assert url("detail", token) in page
    assert url("revoke", token) in page


def test_every_state_has_its_word(alice: Membership, bob: Membership) -> None:
    now = timezone.now()
    make_token(alice, name="a", expires=now + timedelta(days=3))
    make_token(alice, name="b", expires=now - timedelta(days=3))
    make_token(alice, name="c", revoked_at=now)
    make_token(alice, name="d", not_before=now + timedelta(days=1))
    successor, _ = make_token(alice, name="e")
    make_token(alice, name="f", replaced_by=successor)
    make_token(bob, name="g")
    Membership.objects.filter(pk=bob.pk).update(ended_at=now)

    page = body(signed_in(alice), LIST)

    found = dict(
        re.findall(r"<bdi>([a-g])</bdi></a>.*?<span class=\"badge[^>]*>([^<]+)</span>", page, re.S)
    )
    assert found == {
        "a": "Expiring",
        "b": "Expired",
        "c": "Revoked",
        "d": "Pending",
        "e": "Active",
        "f": "Rotated",
        "g": "Owner lost access",
    }
    assert page.count(">Revoke</a>") == 5


def test_an_admin_sees_everybodys_and_whose_they_are(alice: Membership, bob: Membership) -> None:
    make_token(bob, name="of bob")

    page = body(signed_in(alice), LIST)

    assert "of bob" in page
    assert bob.user.display_name in page
    assert '<th scope="col">Owner</th>' in page


def test_a_member_sees_their_own(alice: Membership, bob: Membership) -> None:
    make_token(alice, name="of alice")
    make_token(bob, name="of bob")

    page = body(signed_in(bob), LIST)

    assert "of bob" in page
    assert "of alice" not in page
    assert '<th scope="col">Owner</th>' not in page


def test_the_empty_list_leads_on(bob: Membership) -> None:
    page = body(signed_in(bob), LIST)

    assert "No tokens yet" in page
    assert reverse("mcp_access:token-new") in page


def test_mallory_sees_none(alice: Membership, mallory: Membership) -> None:
    make_token(alice, name="of alice")

    assert "of alice" not in body(signed_in(mallory), LIST)


def test_the_list_costs_the_same_for_many_tokens(
    alice: Membership, bob: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(40):
        make_token(alice)
        make_token(bob)
    client = signed_in(alice)

    with django_assert_max_num_queries(8):
        page = body(client, LIST)
    assert page.count('<th scope="row"') == 50
    assert "Page 1 of 2" in page
    assert body(client, f"{LIST}?page=2").count('<th scope="row"') == 30


def test_hostile_words_stay_words(alice: Membership) -> None:
    token, _ = make_token(
        alice, name=HOSTILE, note=HOSTILE, last_used_at=timezone.now(), last_used_client=HOSTILE
    )
    client = signed_in(alice)

    for path in (LIST, url("detail", token), url("revoke", token), "/numbers/ai-access/"):
        page = body(client, path)
        assert "<img src=x" not in page
        assert "<bdi>&lt;img src=x onerror=alert(1)&gt; &quot;quoted&quot; שלום</bdi>" in page


# -- who may open what ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["detail", "revoke", "rotate"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_strangers_token_is_not_there(
    name: str, method: str, alice: Membership, bob: Membership, mallory: Membership
) -> None:
    token, _ = make_token(alice)

    for stranger in (mallory, bob):
        client = signed_in(stranger)
        response = getattr(client, method)(url(name, token), {"overlap": "0"})
        # The page of a token takes no POST, whoever asks.
        assert response.status_code == (405 if (name, method) == ("detail", "post") else 404)
    token.refresh_from_db()
    assert token.revoked_at is None
    assert token.replaced_by_id is None


def test_a_viewer_may_open_nothing(acme: Tenant, alice: Membership) -> None:
    token, _ = make_token(alice)
    viewer = signed_in(MembershipFactory(tenant=acme, role="viewer"))

    assert viewer.get(LIST).status_code == 403
    for name in ("detail", "revoke", "rotate"):
        assert viewer.get(url(name, token)).status_code == 403


def test_nobody_is_sent_to_the_login(alice: Membership) -> None:
    token, _ = make_token(alice)

    for path in (LIST, url("detail", token), url("revoke", token), url("rotate", token)):
        assert Client().get(path)["Location"].startswith("/account/login/")


def test_posts_need_the_csrf_token(alice: Membership) -> None:
    token, _ = make_token(alice)
    client = signed_in(alice, enforce_csrf_checks=True)

    assert client.post(url("revoke", token)).status_code == 403
    assert client.post(url("rotate", token), {"overlap": "0"}).status_code == 403
    token.refresh_from_db()
    assert (token.revoked_at, token.replaced_by_id) == (None, None)


# -- one token ------------------------------------------------------------------------------------


def test_the_page_shows_facts_and_the_last_calls(alice: Membership) -> None:
    principal = principal_of(alice)
    execute_tool_call_sync(principal, "search_docs", {"query": "porting"})
    other = principal_of(alice)
    execute_tool_call_sync(other, "whoami", {})
    token = AccessToken.objects.get(pk=principal.token_id)
    AccessToken.objects.filter(pk=token.pk).update(
        note="ticket 42", allowed_cidrs=["192.0.2.0/24"], burst_per_minute=17
    )

    page = body(signed_in(alice), url("detail", token))

    for text in ("ticket 42", "192.0.2.0/24", "17", "mcp.docs.read", "search_docs", " ms</td>"):
        assert text in page
    assert ">whoami</a>" not in page
    assert "Rotate</button>" in page


def test_the_page_shows_twenty_calls_at_most(
    alice: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    principal = principal_of(alice)
    for _ in range(22):
        execute_tool_call_sync(principal, "whoami", {})
    client = signed_in(alice)
    path = reverse("mcp_access:token-detail", args=[principal.token_id])
    client.get(path)  # the first use of a session is written down

    with django_assert_max_num_queries(8):
        page = body(client, path)
    assert page.count('<th scope="row"') == 20


def test_scopes_that_the_owner_lost_are_marked(alice: Membership, bob: Membership) -> None:
    token, _ = make_token(bob, scopes=("mcp.docs.read", "mcp.numbers.purchase"))

    # Alice, an owner, may hold the scope: what counts is that bob may not.
    page = body(signed_in(alice), url("detail", token))

    assert page.count("No effect now: Needs the role approver") == 1


def test_an_admin_may_revoke_but_not_rotate_anothers(alice: Membership, bob: Membership) -> None:
    token, _ = make_token(bob, name="of bob")
    client = signed_in(alice)

    page = body(client, url("detail", token))
    assert "Rotate</button>" not in page
    refused = client.post(url("rotate", token), {"overlap": "0"}, follow=True)
    assert "Only the person a token belongs to can rotate it." in refused.content.decode()
    assert AccessToken.objects.count() == 1

    client.post(url("revoke", token))
    token.refresh_from_db()
    assert token.revoked_by == alice.user


# -- revoking -------------------------------------------------------------------------------------


def test_revoking_asks_first_and_names_the_token(alice: Membership) -> None:
    token, _ = make_token(
        alice, name="Ops agent", last_used_at=timezone.now() - timedelta(hours=2, minutes=1)
    )

    page = body(signed_in(alice), url("revoke", token))

    assert "Revoke “<bdi>Ops agent</bdi>”?" in page
    assert "It was last used 2 h ago." in page
    token.refresh_from_db()
    assert token.revoked_at is None


def test_revoking_ends_it(alice: Membership) -> None:
    token, _ = make_token(alice, name="Ops agent")
    client = signed_in(alice)

    response = client.post(url("revoke", token))

    assert (response.status_code, response["Location"]) == (302, url("detail", token))
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert token.revoked_by == alice.user
    page = body(client, url("detail", token))
    assert "Revoked “Ops agent”. It is refused from now on." in page
    assert "Rotate</button>" not in page
    assert ">Revoke</a>" not in page


def test_who_comes_second_is_told_who_was_first(alice: Membership, bob: Membership) -> None:
    token, _ = make_token(bob, name="Ops agent")
    signed_in(alice).post(url("revoke", token))
    first = timezone.now() - timedelta(minutes=2, seconds=9)
    AccessToken.objects.filter(pk=token.pk).update(revoked_at=first)

    page = signed_in(bob).post(url("revoke", token), follow=True).content.decode()

    who = alice.user.display_name
    assert f"“Ops agent” was revoked already, 2 min ago by {who}." in page
    token.refresh_from_db()
    assert (token.revoked_at, token.revoked_by) == (first, alice.user)


def test_the_question_about_a_revoked_token_is_answered_already(alice: Membership) -> None:
    token, _ = make_token(alice)
    revoke_as_system(token.pk)

    page = signed_in(alice).get(url("revoke", token), follow=True).content.decode()

    assert "by the system." in page


# -- rotating -------------------------------------------------------------------------------------


def test_rotating_shows_the_successor_once(alice: Membership) -> None:
    token, old_text = make_token(alice, name="Ops agent")
    client = signed_in(alice)

    response = client.post(url("rotate", token), {"overlap": "24"})

    page = response.content.decode()
    found = set(TOKEN.findall(page))
    assert response["Cache-Control"] == "no-store"
    assert len(found) == 1
    plaintext = found.pop()
    assert plaintext != old_text
    successor = AccessToken.objects.get(token_checksum=tokens.digest(plaintext))
    token.refresh_from_db()
    assert token.replaced_by == successor
    assert timedelta(hours=23, minutes=59) < token.expires - timezone.now() <= timedelta(hours=24)
    assert "You will not see it again" in page
    assert "works until" in page

    # The reload of a POST's answer is the same POST.
    again = client.post(url("rotate", token), {"overlap": "24"}, follow=True)
    assert not TOKEN.search(again.content.decode())
    assert "This token was rotated already" in again.content.decode()
    assert AccessToken.objects.count() == 2
    for path in (LIST, url("detail", token), url("detail", successor)):
        assert plaintext not in body(client, path)


def test_rotating_without_overlap_stops_the_old_one_at_once(alice: Membership) -> None:
    token, _ = make_token(alice)

    page = signed_in(alice).post(url("rotate", token), {"overlap": "0"}).content.decode()

    token.refresh_from_db()
    assert token.expires <= timezone.now()
    assert "has stopped working" in page


def test_the_rotated_token_leads_to_its_successor(alice: Membership) -> None:
    token, _ = make_token(alice)
    client = signed_in(alice)
    client.post(url("rotate", token), {"overlap": "1"})

    page = body(client, url("detail", token))

    token.refresh_from_db()
    assert token.replaced_by is not None
    assert url("detail", token.replaced_by) in page
    assert "Rotate</button>" not in page


def test_an_overlap_that_is_not_offered_is_refused(alice: Membership) -> None:
    token, _ = make_token(alice)

    page = signed_in(alice).post(url("rotate", token), {"overlap": "9999"}).content.decode()

    assert "Select a valid choice" in page
    assert AccessToken.objects.count() == 1


def test_a_dead_token_is_not_rotated(alice: Membership) -> None:
    token, _ = make_token(alice, revoked_at=timezone.now())

    page = signed_in(alice).post(url("rotate", token), {"overlap": "0"}, follow=True)

    assert "no longer live" in page.content.decode()
    assert AccessToken.objects.count() == 1
