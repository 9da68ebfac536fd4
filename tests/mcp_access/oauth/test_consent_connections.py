"""Consent where connections are limited, by two at once, and for more than before."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access.connections import count_connections
from mcp_access.models import AccessToken, Consent, Grant, OAuthAttempt, RefreshToken
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.host import Host
from tests.wire import Post

pytestmark = pytest.mark.django_db

RUNNERS = 4


@pytest.fixture
def discover(acme: Tenant) -> Tenant:
    """acme on the tier with one connection."""
    acme.tier = "discover"
    acme.save()
    return acme


@pytest.fixture
def host(client: Client, discover: Tenant, alice: Membership) -> Host:
    """Registered, in the browser of alice."""
    made = Host(client)
    made.register(client_name="New host")
    client.force_login(alice.user)
    return made


def offered(page: Any) -> list[str]:
    """What the person may disconnect."""
    return re.findall(r'aria-label="Disconnect ([^"]+)"', page.content.decode())


def value_of(page: Any, name: str) -> str:
    pattern = rf'name="connection" value="([^"]+)" aria-label="Disconnect {name}"'
    return str(re.findall(pattern, page.content.decode())[0])


def connected(membership: Membership, name: str) -> Host:
    """Another host of the person, with live tokens."""
    other = Host(Client())
    other.register(client_name=name)
    other.client.force_login(membership.user)
    other.tokens = other.redeem(other.code()).json()
    return other


# -- the limit ------------------------------------------------------------------------------------
def test_the_last_connection_is_given_and_the_next_is_not(host: Host, alice: Membership) -> None:
    assert host.decide("allow").status_code == 302
    other = Host(host.client)
    other.register(client_name="Second host")
    answer = other.decide("allow")
    assert answer.status_code == 409
    assert answer["Cache-Control"] == "no-store"
    assert "Discover allows 1 connected AI host" in answer.content.decode()
    assert offered(answer) == ["New host"]
    assert Grant.objects.count() == Consent.objects.count() == 1
    attempt = OAuthAttempt.objects.latest("id")
    assert (attempt.step, attempt.reason, attempt.tenant) == (
        "consent",
        "connection_limit",
        alice.tenant,
    )


def test_a_static_token_takes_a_connection_too(host: Host, alice: Membership) -> None:
    token, _ = make_token(alice, name="Nightly export")
    page = host.decide("allow")
    assert page.status_code == 409
    answer = host.decide(
        "disconnect", connection=value_of(page, "Nightly export"), scope=["mcp.docs.read"]
    )
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "Disconnected Nightly export" in text
    assert "Allow <bdi>New host</bdi>" in text, "asked again"
    assert answer.context["chosen"] == {"mcp.docs.read"}, "what was unticked stays so"
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert not Grant.objects.exists()
    assert host.decide("allow").status_code == 302


def test_disconnecting_an_app_ends_its_sessions(host: Host, alice: Membership) -> None:
    other = connected(alice, "Old host")
    page = host.decide("allow")
    answer = host.decide("disconnect", connection=value_of(page, "Old host"))
    assert answer.status_code == 200
    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()
    assert not AccessToken.objects.filter(revoked_at__isnull=True).exists()
    assert Consent.objects.get().revoked_at is not None
    assert other.refresh(other.tokens["refresh_token"]).status_code == 400
    assert host.redeem(host.code()).status_code == 200


def test_disconnecting_twice_is_said(host: Host, alice: Membership) -> None:
    make_token(alice, name="Nightly export")
    value = value_of(host.decide("allow"), "Nightly export")
    host.decide("disconnect", connection=value)
    answer = host.decide("disconnect", connection=value)
    assert "had ended already" in answer.content.decode()


@pytest.mark.parametrize(
    "value", ["", "x", "static:", "static:x", "oauth:00000000-0000-0000-0000-000000000000", ":"]
)
def test_a_forged_connection_ends_nothing(host: Host, alice: Membership, value: str) -> None:
    token, _ = make_token(alice)
    answer = host.decide("disconnect", connection=value)
    assert answer.status_code == 200
    token.refresh_from_db()
    assert token.revoked_at is None


def test_members_see_and_end_their_own_only(host: Host, alice: Membership, bob: Membership) -> None:
    token, _ = make_token(alice, name="Of alice")
    host.client.force_login(bob.user)
    page = host.decide("allow")
    assert page.status_code == 409
    assert offered(page) == []
    text = page.content.decode()
    assert "Of alice" not in text
    assert "1 connection belongs to colleagues" in text
    host.decide("disconnect", connection=f"static:{token.pk}")
    token.refresh_from_db()
    assert token.revoked_at is None


def test_an_admin_may_end_a_colleagues(host: Host, bob: Membership) -> None:
    connected(bob, "Of bob")
    page = host.decide("allow")
    assert offered(page) == ["Of bob"]
    host.decide("disconnect", connection=value_of(page, "Of bob"))
    assert host.decide("allow").status_code == 302


def test_a_connection_of_another_tenant_can_not_be_ended(
    host: Host, alice: Membership, mallory: Membership
) -> None:
    token, _ = make_token(alice)
    host.client.force_login(mallory.user)
    host.decide("disconnect", connection=f"static:{token.pk}")
    token.refresh_from_db()
    assert token.revoked_at is None


def test_what_is_dead_takes_no_connection(host: Host, alice: Membership) -> None:
    past = timezone.now() - timedelta(minutes=1)
    make_token(alice, expires=past)
    make_token(alice, revoked_at=past)
    connected(alice, "Old host")
    RefreshToken.objects.update(revoked=past)
    assert host.decide("allow").status_code == 302


def test_a_code_that_lapsed_takes_no_connection(host: Host, alice: Membership) -> None:
    other = Host(host.client)
    other.register()
    other.code()
    Grant.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert host.decide("allow").status_code == 302


def test_the_same_app_needs_no_free_connection_again(host: Host, alice: Membership) -> None:
    assert host.redeem(host.code()).status_code == 200
    assert host.redeem(host.code()).status_code == 200
    assert host.decide("allow").status_code == 302
    assert count_connections(alice.tenant) == 1


def test_the_same_app_of_another_person_needs_one(
    host: Host, alice: Membership, bob: Membership
) -> None:
    assert host.redeem(host.code()).status_code == 200
    host.client.force_login(bob.user)
    assert host.decide("allow").status_code == 409


def test_cancel_on_the_full_page_tells_the_host(host: Host, alice: Membership) -> None:
    make_token(alice)
    page = host.decide("allow")
    assert 'value="cancel"' in page.content.decode()
    answer = host.decide("cancel")
    assert "error=access_denied" in answer["Location"]


def test_without_a_limit_none_is_asked_to_leave(client: Client) -> None:
    oem = MembershipFactory(tenant__tier="embed")
    for _ in range(7):
        Host(client).connect(oem)
    assert count_connections(oem.tenant) == 7


# -- at once --------------------------------------------------------------------------------------
@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_the_last_connection_is_won_once(discover: Tenant, alice: Membership) -> None:
    hosts = []
    for number in range(RUNNERS):
        host = Host(Client())
        host.register(client_name=f"Racer {number}")
        host.client.force_login(alice.user)
        hosts.append(host)
    barrier = threading.Barrier(RUNNERS)
    statuses: list[int] = []

    def run(host: Host) -> None:
        form = {"tenant": discover.slug, "decision": "allow", "scope": ["mcp.docs.read"]}
        try:
            connection.ensure_connection()
            barrier.wait(timeout=10)
            statuses.append(host.client.post(host.url(), form).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[host]) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(statuses) == [302] + [409] * (RUNNERS - 1)
    assert count_connections(discover) == 1
    assert (Grant.objects.count(), Consent.objects.count()) == (1, 1), "losers leave no rows"


# -- for more -------------------------------------------------------------------------------------
@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_a_host_comes_back_for_more_and_keeps_what_it_had(
    client: Client, alice: Membership, post: Post
) -> None:
    host = Host(client).connect(alice, scope="mcp.docs.read offline_access")
    call = {"name": "list_inventory", "arguments": {}}
    refused = post(host.tokens["access_token"], "tools/call", call)
    assert refused.status_code == 403
    challenge = re.findall(r'[ ,]scope="([^"]+)"', refused.headers["www-authenticate"])[0]
    assert set(challenge.split()) == {"mcp.docs.read", "mcp.inventory.read"}
    page = host.authorize(scope=challenge)
    assert page.context["chosen"] == set(challenge.split())
    body = host.redeem(host.code(scope=challenge)).json()
    assert set(body["scope"].split()) == set(challenge.split())
    answer = post(body["access_token"], "tools/call", call)
    assert answer.status_code == 200
    assert not answer.json()["result"]["isError"]
    old = post(host.tokens["access_token"], "tools/call", call)
    assert old.status_code == 403, "the older token lives on as it was"
    assert set(Consent.objects.get().scope.split()) == set(challenge.split())
    assert count_connections(alice.tenant) == 1
    renewed = host.refresh(body["refresh_token"]).json()
    assert set(renewed["scope"].split()) == set(challenge.split())


def test_coming_back_for_more_than_is_allowed_keeps_what_it_had(
    client: Client, bob: Membership
) -> None:
    host = Host(client).connect(bob, scope="mcp.docs.read")
    target = host.allow(scope="mcp.docs.read mcp.numbers.purchase")
    code = parse_qs(urlsplit(target).query)["code"][0]
    assert host.redeem(code).json()["scope"] == "mcp.docs.read"
