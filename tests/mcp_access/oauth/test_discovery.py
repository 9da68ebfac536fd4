"""GET /.well-known/oauth-authorization-server (RFC 8414), and who may read what is well known."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from cliqtel_portal.accounts.models import Membership

PATH = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"
DOCUMENTS = [PATH, RESOURCE, f"{RESOURCE}/mcp"]
OPEN_DOORS = ["/oauth/token", "/oauth/register", "/oauth/revoke"]
ORIGIN = "https://inspector.example"


def read(client: Client, path: str = PATH, **headers: str) -> dict[str, Any]:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    content: dict[str, Any] = answer.json()
    return content


def test_the_whole_document_is_this(client: Client, settings: LazySettings) -> None:
    methods = ["none", "client_secret_post", "client_secret_basic"]
    issuer = "http://127.0.0.1:8000"
    assert read(client) == {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "registration_endpoint": f"{issuer}/oauth/register",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
        "scopes_supported": [*settings.MCP_SCOPES, "offline_access"],
        "service_documentation": f"{issuer}/docs/",
        "protected_resources": ["http://127.0.0.1:8000/mcp"],
    }


@pytest.mark.parametrize("issuer", ["https://cliqtel.example", "https://cliqtel.example:8443"])
def test_the_issuer_is_exactly_the_setting(
    client: Client, settings: LazySettings, issuer: str
) -> None:
    settings.OAUTH_ISSUER = issuer
    found = read(client)
    assert found["issuer"] == issuer
    for name, value in found.items():
        if name.endswith("_endpoint"):
            assert value.startswith(f"{issuer}/oauth/")


@pytest.mark.parametrize("name", ["authorization", "token", "registration", "revocation"])
def test_each_endpoint_that_is_named_is_there(client: Client, db: None, name: str) -> None:
    path = read(client)[f"{name}_endpoint"].removeprefix("http://127.0.0.1:8000")
    assert client.get(path).status_code in {400, 405}


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost"},
        {"host": "localhost:9999"},
        {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"},
        {"forwarded": "host=evil.example;proto=https"},
        {"x-forwarded-port": "1", "x-original-host": "evil.example"},
    ],
    ids=lambda headers: next(iter(headers.values())),
)
def test_nothing_of_the_request_is_in_the_document(
    client: Client, path: str, headers: dict[str, str]
) -> None:
    assert read(client, path, **headers) == read(client, path)


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_foreign_host_name_gets_nothing(client: Client, path: str) -> None:
    answer = client.get(path, headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert b"evil.example" not in answer.content


@pytest.mark.parametrize(
    "path",
    [
        f"{PATH}/",
        f"{PATH}/mcp",
        f"{PATH}/oauth",
        f"{PATH}.json",
        f"{PATH}x",
        f"{RESOURCE}/",
        f"{RESOURCE}/mcp/",
        f"{RESOURCE}/mcp/x",
        f"{RESOURCE}/mcpx",
        f"{RESOURCE}/MCP",
        f"{RESOURCE}/x",
        f"{RESOURCE}s",
        "/.well-known/openid-configuration",
        "/mcp/.well-known/oauth-protected-resource",
        "/.well-known/",
    ],
)
def test_any_other_path_is_not_found(client: Client, db: None, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Location" not in answer


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_query_changes_nothing(client: Client, path: str) -> None:
    assert read(client, f"{path}?resource=https://evil.example/&issuer=x") == read(client, path)


@pytest.mark.parametrize("path", DOCUMENTS)
def test_the_documents_may_be_kept_for_an_hour(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer["Cache-Control"] == "public, max-age=3600"


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_shared_copy_holds_nothing_of_a_person(
    client: Client, alice: Membership, path: str
) -> None:
    before = client.get(path)
    client.force_login(alice.user)
    after = client.get(path)
    assert after.content == before.content
    assert not after.cookies
    assert "Cookie" not in after.get("Vary", "")


@pytest.mark.parametrize("path", DOCUMENTS)
def test_head_says_the_same_without_a_body(client: Client, path: str) -> None:
    answer = client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Content-Length"] == str(len(client.get(path).content))
    assert answer["Cache-Control"] == "public, max-age=3600"


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_other_methods_are_not_allowed(path: str, method: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)(path)
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD, OPTIONS"


# -- pages of other origins -----------------------------------------------------------------------
@pytest.mark.parametrize("path", DOCUMENTS)
def test_any_page_may_read_the_documents(client: Client, path: str) -> None:
    answer = client.get(path, headers={"origin": ORIGIN})
    check_open(answer)
    check_open(client.get(path, headers={"origin": "null"}))


@pytest.mark.parametrize("path", [*DOCUMENTS, *OPEN_DOORS])
def test_a_preflight_is_answered(client: Client, path: str) -> None:
    method = "POST" if path in OPEN_DOORS else "GET"
    answer = client.options(
        path,
        headers={
            "origin": ORIGIN,
            "access-control-request-method": method,
            "access-control-request-headers": "content-type, authorization, mcp-protocol-version",
        },
    )
    assert answer.status_code == 200
    check_open(answer)
    assert method in answer["Access-Control-Allow-Methods"]
    allowed = answer["Access-Control-Allow-Headers"].lower()
    for name in ("content-type", "authorization", "mcp-protocol-version", "accept"):
        assert name in allowed
    assert answer["Access-Control-Max-Age"] == "600"


@pytest.mark.parametrize("path", OPEN_DOORS)
def test_any_page_may_read_an_answer_even_a_refusal(client: Client, db: None, path: str) -> None:
    answer = client.post(path, b"?", content_type="text/plain", headers={"origin": ORIGIN})
    assert answer.status_code == 400
    check_open(answer)
    exposed = answer["Access-Control-Expose-Headers"]
    assert "WWW-Authenticate" in exposed
    assert "Retry-After" in exposed


@pytest.mark.parametrize(
    "path", ["/oauth/authorize", "/oauth/authorize?client_id=x", "/account/login/", "/", "/oauth/"]
)
def test_no_page_may_read_what_is_for_people(client: Client, db: None, path: str) -> None:
    answer = client.get(path, headers={"origin": ORIGIN})
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def check_open(answer: Any) -> None:
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer
    assert not answer.cookies
