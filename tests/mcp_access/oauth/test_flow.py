"""The whole way of a host, as its HTTP client and the person's browser go it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from mcp_access.models import AccessToken, Consent, ConsumedCode, Grant, OAuthAttempt, RefreshToken
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db


def test_a_host_registers_is_allowed_and_gets_tokens(client, alice):
    host = Host(client)
    host.register()
    client.force_login(alice.user)
    page = host.authorize()
    assert page.status_code == 200
    assert b"Allow" in page.content
    target = host.allow()
    query = parse_qs(urlsplit(target).query)
    assert query["iss"] == ["http://127.0.0.1:8000"]
    assert query["state"] == [host.state]
    answer = host.redeem(query["code"][0])
    assert answer.status_code == 200
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert body["access_token"].startswith("ct_mcp_")
    assert body["refresh_token"].startswith("ct_mcpr_")
    token = AccessToken.objects.get()
    assert (token.kind, token.tenant, token.user) == ("oauth", alice.tenant, alice.user)
    assert token.resource == ["http://127.0.0.1:8000/mcp"]
    assert RefreshToken.objects.get().tenant == alice.tenant
    assert Consent.objects.get().scope == body["scope"]
    assert not Grant.objects.exists()
    assert ConsumedCode.objects.count() == 1
    assert set(OAuthAttempt.objects.values_list("step", "ok")) == {
        ("register", True),
        ("consent", True),
        ("token", True),
    }


def test_refresh_rotates_and_the_old_access_token_lives_on(client, alice):
    host = Host(client).connect(alice)
    first = AccessToken.objects.get()
    body = host.refresh(host.tokens["refresh_token"]).json()
    assert body["refresh_token"] != host.tokens["refresh_token"]
    first.refresh_from_db()
    assert first.revoked_at is None
    assert RefreshToken.objects.filter(revoked__isnull=True).count() == 1
    assert AccessToken.objects.count() == 2
    ends = set(RefreshToken.objects.values_list("expires_at", flat=True))
    assert len(ends) == 1, "renewing does not move the end of the session"


def test_a_replayed_refresh_token_ends_every_session_of_the_client(client, alice):
    host = Host(client).connect(alice)
    old = host.tokens["refresh_token"]
    host.refresh(old)
    answer = host.refresh(old)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"
    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()
    assert not AccessToken.objects.filter(revoked_at__isnull=True).exists()
    assert Consent.objects.get().swept_at is not None


def test_a_replayed_code_ends_what_it_had_issued(client, alice):
    host = Host(client)
    host.register()
    client.force_login(alice.user)
    code = host.code()
    assert host.redeem(code).status_code == 200
    assert host.redeem(code).status_code == 400
    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()
    assert not AccessToken.objects.filter(revoked_at__isnull=True).exists()


def test_revoking_either_token_ends_the_session(client, alice):
    for name in ("access_token", "refresh_token"):
        host = Host(client).connect(alice)
        answer = host.revoke(host.tokens[name])
        assert answer.status_code == 200
        assert not RefreshToken.objects.filter(revoked__isnull=True).exists()
        assert not AccessToken.objects.filter(revoked_at__isnull=True).exists()
