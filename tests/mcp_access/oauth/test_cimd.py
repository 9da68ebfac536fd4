"""Clients that go by the address of their own description. Nothing here leaves the machine."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from oauth2_provider.models import Application

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import AccessToken, OAuthAttempt
from tests.mcp_access.oauth.client_web import (
    CALLBACK,
    CLIENT_ID,
    PUBLIC_ADDRESS,
    Web,
    check_refused,
)
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    return Web(monkeypatch)


@pytest.fixture
def host(client: Client, alice: Membership) -> Host:
    """An app of which nothing is known but its address; alice is at the browser."""
    made = Host(client, redirect_uri=CALLBACK)
    made.client_id = CLIENT_ID
    client.force_login(alice.user)
    return made


# -- the way of a host ----------------------------------------------------------------------------
def test_a_client_is_read_from_its_document_and_gets_tokens(host: Host, web: Web) -> None:
    answer = host.redeem(host.code())
    assert answer.status_code == 200
    application = Application.objects.get()
    assert application.client_id == CLIENT_ID
    assert (application.client_type, application.registration_source) == ("public", "cimd")
    assert (application.name, application.redirect_uris) == ("Example", CALLBACK)
    assert application.user is None
    assert AccessToken.objects.get().application == application
    assert web.requests == [(PUBLIC_ADDRESS, 443, "app.example", "/oauth/client.json")]
    renewed = host.refresh(answer.json()["refresh_token"])
    assert renewed.status_code == 200
    assert len(web.requests) == 1, "a document is fetched once"


def test_the_consent_page_names_the_host_that_was_verified(host: Host, web: Web) -> None:
    web.document["client_name"] = "Claude"
    page = host.authorize()
    html = page.content.decode()
    assert page.context["verified_host"] == "app.example"
    assert "Verified host</span> <b>app.example</b>" in html
    assert "self-declared" not in html


def test_a_client_that_registered_itself_has_no_verified_host(client, alice: Membership) -> None:
    host = Host(client)
    host.register(client_uri="https://claude.ai")
    client.force_login(alice.user)
    page = host.authorize()
    assert page.context["verified_host"] == ""
    assert b"Verified host" not in page.content


def test_nobody_needs_to_be_signed_in_for_a_document_to_be_read(client: Client, web: Web) -> None:
    host = Host(client, redirect_uri=CALLBACK)
    host.client_id = CLIENT_ID
    answer = host.authorize()
    assert answer.status_code == 302
    assert urlsplit(answer["Location"]).path == "/account/login/"


def test_another_redirect_uri_than_the_document_has_is_refused(host: Host) -> None:
    answer = host.authorize(redirect_uri="https://app.example/other")
    assert answer.status_code == 400
    assert OAuthAttempt.objects.latest("id").reason == "invalid_redirect_uri"


def test_a_cancel_goes_back_to_the_app_with_the_issuer(host: Host) -> None:
    target = host.decide("cancel")["Location"]
    assert target.startswith(CALLBACK)
    query = parse_qs(urlsplit(target).query)
    assert (query["error"], query["iss"]) == (["access_denied"], ["http://127.0.0.1:8000"])


# -- what may be in a document ---------------------------------------------------------------------
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
                "jwks_uri": "https://app.example/jwks.json",
            },
            id="prefers a key and can do without",
        ),
        pytest.param(
            {"grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"]},
            id="can use grants that we don't serve",
        ),
        pytest.param({"grant_types": ["authorization_code", "implicit"]}, id="can use implicit"),
        pytest.param({"response_types": ["code", "token"]}, id="can use another response type"),
        pytest.param({"token_endpoint_auth_method": None}, id="says nothing of the method"),
        pytest.param({"scope": "openid everything", "contacts": [1], "x": {}}, id="says more"),
        pytest.param({"client_name": None}, id="has no name"),
        pytest.param({"redirect_uris": [CALLBACK, CALLBACK]}, id="says it twice"),
    ],
)
def test_what_we_do_not_serve_is_left_out(host: Host, web: Web, changes: dict[str, Any]) -> None:
    web.document = {
        name: value for name, value in {**web.document, **changes}.items() if value is not None
    }
    assert host.redeem(host.code()).status_code == 200
    application = Application.objects.get()
    assert application.client_type == "public"
    assert application.authorization_grant_type == "authorization-code"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_id": "https://app.example/oauth/other.json"}, id="another's id"),
        pytest.param({"client_id": CLIENT_ID + "/"}, id="almost the id"),
        pytest.param({"client_id": CLIENT_ID.upper()}, id="the id in capitals"),
        pytest.param({"client_id": None}, id="no id"),
        pytest.param({"client_id": [CLIENT_ID]}, id="a list for an id"),
        pytest.param({"redirect_uris": None}, id="no redirects"),
        pytest.param({"redirect_uris": []}, id="an empty list of redirects"),
        pytest.param({"redirect_uris": CALLBACK}, id="a text of redirects"),
        pytest.param({"redirect_uris": [CALLBACK] * 11}, id="too many redirects"),
        pytest.param({"redirect_uris": [CALLBACK, "http://app.example/cb"]}, id="one over http"),
        pytest.param({"redirect_uris": [CALLBACK, "https://*.app.example/"]}, id="a wildcard"),
        pytest.param({"redirect_uris": ["javascript:alert(1)"]}, id="a script"),
        pytest.param({"redirect_uris": [f"{CALLBACK} https://evil.example/"]}, id="two in one"),
        pytest.param({"redirect_uris": [7]}, id="a number for a redirect"),
        pytest.param({"redirect_uris": ["https://app.example/\ud800"]}, id="half a character"),
        pytest.param({"token_endpoint_auth_method": "client_secret_basic"}, id="a secret"),
        pytest.param(
            {
                "token_endpoint_auth_method": "client_secret_post",
                "token_endpoint_auth_methods_supported": ["none"],
            },
            id="a secret, or none",
        ),
        pytest.param({"token_endpoint_auth_method": "private_key_jwt"}, id="a key only"),
        pytest.param(
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            },
            id="a key only, twice",
        ),
        pytest.param(
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_methods_supported": "none",
            },
            id="a text of methods",
        ),
        pytest.param({"token_endpoint_auth_method": 0}, id="a number for a method"),
        pytest.param({"client_secret": "s"}, id="its own secret"),
        pytest.param({"client_secret_expires_at": 0}, id="the end of a secret"),
        pytest.param({"grant_types": ["client_credentials"]}, id="no grant that we serve"),
        pytest.param({"grant_types": ["refresh_token"]}, id="renewal only"),
        pytest.param({"grant_types": "authorization_code"}, id="a text of grants"),
        pytest.param({"grant_types": [{}]}, id="an object for a grant"),
        pytest.param({"response_types": ["token"]}, id="no response type that we serve"),
        pytest.param({"client_name": "C" * 121}, id="a long name"),
        pytest.param({"client_name": "Cl\x00aude"}, id="a NUL in the name"),
        pytest.param({"client_name": "Claude\u202e"}, id="a name that turns the text"),
        pytest.param({"client_name": ["Claude"]}, id="a list for a name"),
    ],
)
def test_a_bad_document_makes_no_client(host: Host, web: Web, changes: dict[str, Any]) -> None:
    web.document = {
        name: value for name, value in {**web.document, **changes}.items() if value is not None
    }
    check_refused(host.authorize())
    assert len(web.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe{}",
        b"[" * 16_000,
        b'{"client_id":' * 1_000,
    ],
    ids=["nothing", "HTML", "a list", "a text", "null", "no UTF-8", "brackets", "cut off"],
)
def test_no_body_is_an_error_of_ours(host: Host, web: Web, body: bytes) -> None:
    web.body = body
    check_refused(host.authorize())
