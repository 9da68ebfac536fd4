"""The token endpoint: who may redeem which code, in which form, and what the answer is."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access.models import AccessToken, Grant, OAuthAttempt, RefreshToken
from mcp_access.oauth import views
from tests.mcp_access.oauth.host import Host
from tests.mcp_access.oauth.token_request import FORM, check_form, check_refused, redemption

pytestmark = pytest.mark.django_db


@pytest.fixture
def host(client: Client, alice: Membership) -> Host:
    """Registered, with alice's browser."""
    host = Host(client)
    host.register()
    client.force_login(alice.user)
    return host


# -- what an answer is -----------------------------------------------------------------------------
def test_the_answer_has_exactly_what_a_client_needs(host):
    answer = host.redeem(host.code())
    assert answer.status_code == 200
    assert set(answer.json()) == {
        "access_token",
        "refresh_token",
        "expires_in",
        "token_type",
        "scope",
    }
    assert set(answer.json()["scope"].split()) == {"mcp.inventory.read", "mcp.docs.read"}
    check_form(answer)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_only_post_is_answered(client, db, method):
    answer = client.generic(method, "/oauth/token")
    assert answer.status_code == 405
    assert answer["Allow"] == "POST, OPTIONS"
    check_form(answer)


def test_too_many_requests_are_told_when_to_come_back(host, settings):
    settings.RATE_LIMIT_TOKEN = "2/h"
    for _ in range(2):
        check_refused(host.post_token(grant_type="x"), 400, "unsupported_grant_type")
    code = host.code()
    answer = host.redeem(code)
    check_refused(answer, 429, "temporarily_unavailable")
    assert 60 < int(answer["Retry-After"]) <= 3600
    settings.RATE_LIMIT_TOKEN = "300/m"
    assert host.redeem(code).status_code == 200


def test_browsers_of_any_origin_may_ask_without_credentials(host):
    form = urlencode(redemption(host, host.code()))
    answer = host.client.post(
        "/oauth/token", form, content_type=FORM, headers={"origin": "https://app.example.test"}
    )
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize("origin", ["https://[", "null", "https://", "x", "https://\xff", ""])
def test_no_origin_troubles_it(host, origin):
    form = urlencode(redemption(host, host.code()))
    answer = host.client.post("/oauth/token", form, content_type=FORM, headers={"origin": origin})
    assert answer.status_code == 200
    check_form(answer)


def test_a_preflight_is_answered(client, db):
    answer = client.options(
        "/oauth/token",
        headers={
            "origin": "https://app.example.test",
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type, authorization",
        },
    )
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "authorization" in answer["Access-Control-Allow-Headers"]


# -- the form --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""]
)
def test_only_a_form_is_read(host, content_type):
    form = urlencode(redemption(host, host.code()))
    answer = host.client.generic("POST", "/oauth/token", form, content_type=content_type)
    check_refused(answer, 400, "invalid_request")
    assert Grant.objects.count() == 1


def test_json_is_refused_in_json(host):
    fields = redemption(host, host.code())
    answer = host.client.post("/oauth/token", fields, content_type="application/json")
    check_refused(answer, 400, "invalid_request")


def test_a_multipart_form_is_refused(host):
    answer = host.client.post("/oauth/token", redemption(host, host.code()))
    check_refused(answer, 400, "invalid_request")
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("whole", [True, False])
def test_parameters_in_the_url_are_refused(host, whole):
    fields = redemption(host, host.code())
    query, body = (fields, {}) if whole else ({"code": fields.pop("code")}, fields)
    answer = host.client.post(
        f"/oauth/token?{urlencode(query)}", urlencode(body), content_type=FORM
    )
    check_refused(answer, 400, "invalid_request")
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    "name",
    ["grant_type", "client_id", "code", "redirect_uri", "code_verifier", "resource", "scope", "x"],
)
def test_a_parameter_given_twice_is_refused(host, name):
    fields = [*redemption(host, host.code()).items(), (name, "other"), (name, "another")]
    answer = host.client.post("/oauth/token", urlencode(fields), content_type=FORM)
    check_refused(answer, 400, "invalid_request")
    assert not AccessToken.objects.exists()


def test_unknown_parameters_are_ignored(host):
    assert host.redeem(host.code(), audience="x", assertion="y").status_code == 200


def test_a_charset_that_is_utf_8_is_fine(host):
    form = urlencode(redemption(host, host.code()))
    answer = host.client.post("/oauth/token", form, content_type=f"{FORM}; charset=UTF-8")
    assert answer.status_code == 200


# -- grant types -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "grant_type",
    [
        "password",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
        "device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "implicit",
        "openid",
        "AUTHORIZATION_CODE",
        "authorization_code ",
        "",
        None,
    ],
)
def test_other_grant_types_are_not_supported(host, grant_type):
    answer = host.post_token(
        **redemption(host, host.code(), grant_type=grant_type, client_id=None),
        username="alice@acme.example",
        password="correct horse battery",
        device_code="x",
    )
    check_refused(answer, 400, "unsupported_grant_type")
    assert not AccessToken.objects.exists()


# -- the code --------------------------------------------------------------------------------------
@pytest.mark.parametrize("missing", ["code", "code_verifier", "redirect_uri"])
def test_a_missing_parameter_is_an_invalid_request_and_spends_nothing(host, missing):
    code = host.code()
    answer = host.post_token(**redemption(host, code, client_id=None) | {missing: None})
    check_refused(answer, 400, "invalid_request")
    assert host.redeem(code).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("code_verifier", "A" * 43),
        ("code_verifier", ""),
        ("code_verifier", "é" * 43),
        ("redirect_uri", "https://claude.ai/api/mcp/auth_callback/"),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", ""),
    ],
)
def test_a_wrong_parameter_is_an_invalid_grant_and_spends_nothing(host, name, value):
    """Who found a code and not its verifier must not be able to spoil it for its owner."""
    code = host.code()
    answer = host.post_token(**redemption(host, code, client_id=None) | {name: value})
    check_refused(answer, 400, "invalid_grant")
    assert not AccessToken.objects.exists()
    assert host.redeem(code).status_code == 200


def test_the_challenge_is_no_verifier(host):
    answer = host.post_token(
        **redemption(host, host.code(), client_id=None, code_verifier=host.challenge)
    )
    check_refused(answer, 400, "invalid_grant")


@pytest.mark.parametrize("code", ["", "x", "0" * 64, "A" * 10_000, "é", "'; DROP TABLE x; --"])
def test_an_unknown_code_is_an_invalid_grant(host, code):
    check_refused(host.redeem(code), 400, "invalid_grant")


def test_the_stored_digest_is_no_code(host):
    host.code()
    check_refused(host.redeem(Grant.objects.get().code), 400, "invalid_grant")


def test_another_clients_code_is_an_invalid_grant_and_stays_good(host, mallory):
    code = host.code()
    other = Host(Client())
    other.register()
    other.verifier = host.verifier
    check_refused(other.redeem(code), 400, "invalid_grant")
    assert host.redeem(code).status_code == 200


def test_another_clients_replay_ends_nothing(host):
    code = host.code()
    host.redeem(code)
    other = Host(Client())
    other.register()
    check_refused(other.redeem(code), 400, "invalid_grant")
    assert RefreshToken.objects.filter(revoked__isnull=True).count() == 1


def test_an_expired_code_is_an_invalid_grant(host, settings):
    code = host.code()
    grant = Grant.objects.get()
    lifetime = timedelta(seconds=settings.OAUTH_CODE_SECONDS)
    assert abs(grant.expires - timezone.now() - lifetime) < timedelta(seconds=10)
    Grant.objects.update(expires=timezone.now())
    check_refused(host.redeem(code), 400, "invalid_grant")
    assert not AccessToken.objects.exists()


def test_a_used_code_ends_what_it_issued_even_after_a_renewal(host):
    code = host.code()
    issued = host.redeem(code).json()
    assert host.refresh(issued["refresh_token"]).status_code == 200
    check_refused(host.redeem(code), 400, "invalid_grant")
    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()
    assert not AccessToken.objects.filter(revoked_at__isnull=True).exists()
    assert AccessToken.objects.count() == 2, "the log names them: rows stay"


def test_a_used_code_ends_no_other_session(host):
    code, other = host.code(), host.code()
    host.redeem(code)
    kept = host.redeem(other).json()
    host.redeem(code)
    assert host.refresh(kept["refresh_token"]).status_code == 200


def test_a_replay_that_was_under_way_before_ends_nothing(host, monkeypatch):
    code = host.code()
    before = timezone.now()
    host.redeem(code)
    monkeypatch.setattr(views.timezone, "now", lambda: before)
    check_refused(host.redeem(code), 400, "invalid_grant")
    monkeypatch.undo()
    assert RefreshToken.objects.filter(revoked__isnull=True).count() == 1


# -- the person ------------------------------------------------------------------------------------
def disable(alice: Membership) -> None:
    alice.user.is_active = False
    alice.user.save()


def leave(alice: Membership) -> None:
    alice.ended_at = timezone.now()
    alice.save()


def suspend(alice: Membership) -> None:
    Tenant.objects.filter(pk=alice.tenant_id).update(status="suspended")


def become_viewer(alice: Membership) -> None:
    alice.role = Membership.Role.VIEWER
    alice.save()


@pytest.mark.parametrize("happens", [disable, leave, suspend, become_viewer])
def test_who_lost_access_since_consent_gets_nothing(host, alice, happens):
    code = host.code()
    happens(alice)
    check_refused(host.redeem(code), 400, "invalid_grant")
    assert not AccessToken.objects.exists()
    assert not RefreshToken.objects.exists()


# -- what is on record -----------------------------------------------------------------------------
def test_each_attempt_is_on_record_without_a_credential(host):
    code = host.code()
    host.redeem(code, code_verifier_x="y")
    host.redeem(code)
    first, second = OAuthAttempt.objects.filter(step="token").order_by("id")
    assert (first.ok, second.ok, second.reason) == (True, False, "invalid_grant")
    assert {first.client_id, second.client_id} == {host.client_id}
    rows = str(list(OAuthAttempt.objects.values()))
    assert code not in rows
    assert host.verifier not in rows
