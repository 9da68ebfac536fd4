"""RFC 7009: either token of a session ends the session, and nobody else's."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.test import Client

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.notices.models import Notice
from mcp_access import tokens
from mcp_access.models import AccessToken, OAuthAttempt, RefreshToken
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.host import Host
from tests.mcp_access.oauth.token_request import FORM, basic, check_form, check_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def host(client: Client, alice: Membership) -> Host:
    return Host(client).connect(alice)


def live() -> tuple[int, int]:
    """Access and refresh tokens that live."""
    return (
        AccessToken.objects.filter(revoked_at__isnull=True).count(),
        RefreshToken.objects.filter(revoked__isnull=True).count(),
    )


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense", ""])
def test_either_token_ends_the_session_whatever_the_hint(host, name, hint):
    answer = host.revoke(host.tokens[name], token_type_hint=hint)
    assert (answer.status_code, answer.json()) == (200, {})
    check_form(answer)
    assert live() == (0, 0)
    assert AccessToken.objects.count() == 1, "the log names it: the row stays"


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_a_token_of_before_a_renewal_ends_the_session_too(host, name):
    host.refresh(host.tokens["refresh_token"])
    assert host.revoke(host.tokens[name]).status_code == 200
    assert live() == (0, 0)


def test_twice_is_fine_and_keeps_the_first_time(host):
    host.revoke(host.tokens["access_token"])
    first = AccessToken.objects.get().revoked_at
    assert host.revoke(host.tokens["access_token"]).status_code == 200
    assert AccessToken.objects.get().revoked_at == first
    assert not Notice.objects.exists()


@pytest.mark.parametrize("token", ["x", "ct_mcp_x", "ct_mcpr_" + "A" * 43, "é", "x" * 9_000, " "])
def test_an_unknown_token_is_answered_as_if_it_had_ended(host, token):
    answer = host.revoke(token)
    assert (answer.status_code, answer.json()) == (200, {})
    assert live() == (1, 1)


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_another_clients_token_stays(host, name):
    stranger = Host(Client())
    stranger.register()
    assert stranger.revoke(host.tokens[name]).status_code == 200
    assert live() == (1, 1)


def test_another_session_of_the_client_stays(host, alice):
    other = Host(host.client)
    other.client_id = host.client_id
    kept = other.redeem(other.code()).json()
    host.revoke(host.tokens["refresh_token"])
    assert live() == (1, 1)
    assert other.refresh(kept["refresh_token"]).status_code == 200


def test_a_static_token_stays(host, alice):
    token, plaintext = make_token(alice)
    assert host.revoke(plaintext).status_code == 200
    token.refresh_from_db()
    assert token.revoked_at is None


def test_the_digest_ends_nothing(host):
    host.revoke(tokens.digest(host.tokens["access_token"]))
    assert live() == (1, 1)


@pytest.mark.parametrize("token", ["", None])
def test_a_missing_token_is_an_invalid_request(host, token):
    check_refused(host.revoke(token), 400, "invalid_request")


@pytest.mark.parametrize("client_id", ["unknown", "", None])
def test_an_unknown_client_is_unauthorized(host, client_id):
    answer = host.revoke(host.tokens["access_token"], client_id=client_id)
    check_refused(answer, 401, "invalid_client")
    assert live() == (1, 1)


def test_a_confidential_client_needs_its_secret(client, alice):
    host = Host(client)
    host.register(token_endpoint_auth_method="client_secret_basic")
    client.force_login(alice.user)
    host.tokens = host.redeem(host.code()).json()
    token = host.tokens["refresh_token"]
    for secret in ("wrong", None):
        check_refused(host.revoke(token, client_secret=secret), 401, "invalid_client")
    assert live() == (1, 1)
    answer = client.post(
        "/oauth/revoke",
        urlencode({"token": token}),
        content_type=FORM,
        headers={"authorization": basic(host.client_id, host.secret)},
    )
    assert answer.status_code == 200
    assert live() == (0, 0)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post_is_answered(client, db, method):
    answer = client.generic(method, "/oauth/revoke")
    assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")
    check_form(answer)


def test_json_query_and_duplicates_are_refused(host):
    token, client_id = host.tokens["access_token"], host.client_id
    fields = {"token": token, "client_id": client_id}
    post = host.client.post
    check_refused(
        post("/oauth/revoke", fields, content_type="application/json"), 400, "invalid_request"
    )
    check_refused(post("/oauth/revoke", fields), 400, "invalid_request")
    query = post(f"/oauth/revoke?{urlencode(fields)}", "", content_type=FORM)
    check_refused(query, 400, "invalid_request")
    twice = urlencode([*fields.items(), ("token", "x")])
    check_refused(post("/oauth/revoke", twice, content_type=FORM), 400, "invalid_request")
    assert live() == (1, 1)


def test_too_many_are_told_when_to_come_back(host, settings):
    settings.RATE_LIMIT_TOKEN = "1/h"
    host.revoke("x")
    answer = host.revoke(host.tokens["access_token"])
    check_refused(answer, 429, "temporarily_unavailable")
    assert int(answer["Retry-After"]) > 60
    assert live() == (1, 1)


def test_browsers_of_any_origin_may_revoke(host):
    form = urlencode({"token": "x", "client_id": host.client_id})
    answer = host.client.post(
        "/oauth/revoke", form, content_type=FORM, headers={"origin": "https://app.example.test"}
    )
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_revoking_is_on_record(host):
    host.revoke(host.tokens["access_token"])
    attempt = OAuthAttempt.objects.get(step="revoke")
    assert (attempt.ok, attempt.client_id) == (True, host.client_id)
