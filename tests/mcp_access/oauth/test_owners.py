"""An attempt at the token endpoint says whose it was, as far as the secret proves it."""

from __future__ import annotations

import pytest
from django.test import Client

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import OAuthAttempt
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db


@pytest.fixture
def host(client: Client, alice: Membership) -> Host:
    return Host(client).connect(alice)


def last(step: str) -> OAuthAttempt:
    return OAuthAttempt.objects.filter(step=step).latest("id")


def assert_is_of(attempt: OAuthAttempt, membership: Membership) -> None:
    assert (attempt.tenant, attempt.user) == (membership.tenant, membership.user)


def test_a_redeemed_code_is_its_persons(host: Host, alice: Membership) -> None:
    assert last("token").ok
    assert_is_of(last("token"), alice)


def test_a_code_that_is_refused_is_its_persons(host: Host, alice: Membership) -> None:
    code = host.code()
    assert host.redeem(code, resource="https://a.example").status_code == 400
    assert not last("token").ok
    assert_is_of(last("token"), alice)


def test_a_replayed_code_is_its_persons(host: Host, alice: Membership) -> None:
    code = host.code()
    assert [host.redeem(code).status_code for _ in range(2)] == [200, 400]
    assert_is_of(last("token"), alice)


def test_a_replayed_refresh_token_is_its_persons(host: Host, alice: Membership) -> None:
    old = host.tokens["refresh_token"]
    assert [host.refresh(old).status_code for _ in range(2)] == [200, 400]
    assert_is_of(last("refresh"), alice)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_revoked_token_is_its_persons(host: Host, alice: Membership, kind: str) -> None:
    host.revoke(host.tokens[kind])
    assert_is_of(last("revoke"), alice)


def test_what_nobody_was_given_is_nobodys(host: Host) -> None:
    host.refresh("ct_mcpr_" + "x" * 43)
    assert (last("refresh").tenant, last("refresh").user) == (None, None)
    host.redeem("made-up")
    assert (last("token").tenant, last("token").user) == (None, None)


def test_another_apps_token_says_nothing_of_its_owner(host: Host, client: Client) -> None:
    stranger = Host(client)
    stranger.register(client_name="Stranger")
    stranger.refresh(host.tokens["refresh_token"])
    attempt = last("refresh")
    assert (attempt.client_name, attempt.tenant, attempt.user) == ("Stranger", None, None)
