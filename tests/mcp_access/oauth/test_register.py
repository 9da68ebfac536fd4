"""POST /oauth/register (RFC 7591): what makes a client, what it gets, and what is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.test import Client
from oauth2_provider.models import Application

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import OAuthAttempt
from tests.mcp_access.oauth.host import REDIRECT_URI, Host
from tests.mcp_access.oauth.registration_request import (
    GOOD,
    PATH,
    check_form,
    check_refused,
    register,
    send,
)
from tests.mcp_access.oauth.token_request import basic

pytestmark = pytest.mark.django_db


# -- what a client gets ---------------------------------------------------------------------------
def test_a_public_client_gets_an_id_and_no_secret(client: Client) -> None:
    before = int(time.time())
    answer = register(client, client_name="Claude")
    assert answer.status_code == 201
    check_form(answer)
    found = answer.json()
    assert before <= found.pop("client_id_issued_at") <= time.time()
    application = Application.objects.get()
    assert found == {
        "client_id": application.client_id,
        "client_name": "Claude",
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }
    assert (application.client_type, application.client_secret) == ("public", "")
    assert application.registration_source == "dcr"
    assert application.skip_authorization is False


def test_a_public_client_costs_no_password_hash(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise AssertionError("hashed")

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", fail)
    assert register(client).status_code == 201
    with pytest.raises(AssertionError, match="hashed"):
        register(client, token_endpoint_auth_method="client_secret_post")


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic", None])
def test_a_confidential_client_gets_a_secret_that_is_kept_hashed(
    client: Client, method: str | None
) -> None:
    body: dict[str, Any] = {"redirect_uris": [REDIRECT_URI]}
    if method:
        body["token_endpoint_auth_method"] = method
    found = send(client, json.dumps(body).encode()).json()
    assert found["client_secret_expires_at"] == 0
    assert found["token_endpoint_auth_method"] == (method or "client_secret_basic")
    secret = found["client_secret"]
    assert len(secret) >= 43
    application = Application.objects.get()
    assert application.client_type == "confidential"
    assert secret not in application.client_secret
    assert hashers.check_password(secret, application.client_secret)


@pytest.mark.parametrize("way", ["post", "basic"])
@pytest.mark.parametrize("is_right", [True, False])
def test_the_secret_works_at_the_token_endpoint_both_ways(
    client: Client, alice: Membership, way: str, is_right: bool
) -> None:
    host = Host(client)
    host.register(token_endpoint_auth_method=f"client_secret_{way}")
    client.force_login(alice.user)
    code = host.code()
    secret = host.secret if is_right else "x" + host.secret[1:]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": host.redirect_uri,
        "code_verifier": host.verifier,
    }
    headers = {}
    if way == "post":
        form |= {"client_id": host.client_id, "client_secret": secret}
    else:
        headers["authorization"] = basic(host.client_id, secret)
    answer = client.post(
        "/oauth/token",
        "&".join(f"{name}={value}" for name, value in form.items()),
        content_type="application/x-www-form-urlencoded",
        headers=headers,
    )
    assert answer.status_code == (200 if is_right else 401)


def test_every_registration_is_its_own_client(client: Client) -> None:
    ids = {register(client).json()["client_id"] for _ in range(5)}
    assert len(ids) == Application.objects.count() == 5


def test_registering_makes_nobody_the_owner(alice: Membership) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice.user)
    answer = register(client)
    assert answer.status_code == 201
    assert Application.objects.get().user is None
    assert OAuthAttempt.objects.get().user is None
    assert not answer.cookies


def test_unknown_members_and_the_scope_are_ignored(client: Client) -> None:
    answer = register(
        client,
        scope="mcp.numbers.purchase everything",
        client_id="mine",
        client_secret="mine",
        registration_source="manual",
        skip_authorization=True,
        user=1,
        user_id=1,
        logo_uri="javascript:alert(1)",
        jwks={"keys": [{}]},
        software_statement="ey.J.x",
        contacts=None,
        application_type="native",
        **{"": 1, "__class__": "x", "\u0000": 2},
    )
    assert answer.status_code == 201
    assert not {"scope", "logo_uri", "registration_access_token"} & set(answer.json())
    application = Application.objects.get()
    assert application.client_id != "mine"
    assert (application.client_secret, application.registration_source) == ("", "dcr")
    assert (application.skip_authorization, application.user) == (False, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_name": "Visual Studio Code", "scope": "openid", "application_type": "native"},
        {"client_name": "MCP Inspector", "scope": "", "client_uri": "https://github.com/x"},
        {"client_name": "Claude", "grant_types": ["authorization_code"]},
        {"client_name": "ChatGPT", "grant_types": ["refresh_token", "authorization_code"]},
        {"client_name": None},
        {"client_name": ""},
        {"client_name": "Cliënt für 日本 ✓"},
        {"client_name": "N" * 120},
        {"client_name": "<script>alert(1)</script>"},
        {"response_types": ["code"]},
    ],
    ids=ascii,
)
def test_what_hosts_send_is_accepted(client: Client, changes: dict[str, Any]) -> None:
    answer = register(client, **changes)
    assert answer.status_code == 201, answer.content
    assert answer.json()["client_name"] == (changes.get("client_name") or "")


# -- what is refused -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "changes",
    [
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "NONE"},
        {"token_endpoint_auth_method": ""},
        {"token_endpoint_auth_method": None},
        {"token_endpoint_auth_method": ["none"]},
        {"token_endpoint_auth_method": {}},
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["authorization_code", "client_credentials"]},
        {"grant_types": ["authorization_code", "implicit"]},
        {"grant_types": ["authorization_code", "password"]},
        {"grant_types": ["urn:ietf:params:oauth:grant-type:device_code"]},
        {"grant_types": ["refresh_token"]},
        {"grant_types": []},
        {"grant_types": "authorization_code"},
        {"grant_types": {"authorization_code": 1}},
        {"grant_types": ["authorization_code", {}]},
        {"grant_types": [["authorization_code"]]},
        {"response_types": ["token"]},
        {"response_types": ["code", "token"]},
        {"response_types": []},
        {"response_types": "code"},
        {"client_name": "N" * 121},
        {"client_name": 7},
        {"client_name": ["Claude"]},
        {"client_name": "Cl\x00aude"},
        {"client_name": "Claude\n"},
        {"client_name": "Claude\u202e"},
        {"client_name": "Claude\u200b"},
        {"client_name": "\ud800"},
    ],
    ids=ascii,
)
def test_what_we_do_not_serve_is_refused(client: Client, changes: dict[str, Any]) -> None:
    check_refused(register(client, **changes))
    attempt = OAuthAttempt.objects.get()
    assert (attempt.step, attempt.ok) == ("register", False)
    assert attempt.reason == "invalid_client_metadata"
    assert attempt.detail


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete"])
def test_other_methods_are_not_allowed(client: Client, method: str) -> None:
    answer = getattr(client, method)(PATH)
    assert answer.status_code == 405
    assert answer["Allow"] == "POST, OPTIONS"
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", [f"{PATH}/", f"{PATH}/some-client-id"])
def test_there_is_no_managing_of_clients(client: Client, path: str) -> None:
    client_id = register(client).json()["client_id"]
    for method in ("get", "put", "delete", "post"):
        assert getattr(client, method)(path).status_code == 404
    assert Application.objects.filter(client_id=client_id).exists()


# -- what is on record -----------------------------------------------------------------------------
def test_a_registration_is_on_record(client: Client) -> None:
    send(
        client,
        json.dumps({**GOOD, "client_name": "Claude"}).encode(),
        headers={"user-agent": "python-httpx/0.28"},
        REMOTE_ADDR="198.51.100.7",
    )
    attempt = OAuthAttempt.objects.get()
    assert (attempt.step, attempt.ok, attempt.reason) == ("register", True, "")
    assert attempt.client_id == Application.objects.get().client_id
    assert (attempt.client_name, attempt.redirect_host) == ("Claude", "claude.ai")
    assert (attempt.address, attempt.user_agent) == ("198.51.100.7", "python-httpx/0.28")
    assert attempt.tenant is None


def test_a_refusal_is_on_record_with_its_reason(client: Client) -> None:
    register(client, client_name="Evil\u202e\x00", redirect_uris=["http://evil.example/"])
    attempt = OAuthAttempt.objects.get()
    assert (attempt.ok, attempt.reason) == (False, "invalid_client_metadata")
    assert attempt.client_name == "Evil\ufffd\ufffd"
    register(client, client_name="Evil", redirect_uris=["http://evil.example/"])
    attempt = OAuthAttempt.objects.latest("id")
    assert attempt.reason == "invalid_redirect_uri"
    assert "loopback only" in attempt.detail
    assert attempt.client_name == "Evil"


def test_a_long_refusal_fits_its_record(client: Client) -> None:
    answer = register(client, client_name="N" * 5_000, redirect_uris=["http://e.example"] * 10)
    assert answer.status_code == 400
    attempt = OAuthAttempt.objects.get()
    assert len(attempt.client_name) <= 120
    assert len(attempt.detail) <= 300
