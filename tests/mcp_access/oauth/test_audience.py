"""RFC 8707: tokens are for our resource alone, and `/mcp` takes no others."""

from __future__ import annotations

import pytest

from mcp_access.models import AccessToken, Grant, RefreshToken
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.host import Host
from tests.mcp_access.oauth.token_request import check_refused

OURS = [
    "http://127.0.0.1:8000/mcp",
    "http://127.0.0.1:8000/mcp/",
    "HTTP://127.0.0.1:8000/mcp",
]
OTHERS = [
    "https://evil.example/mcp",
    "http://127.0.0.1:8000",
    "http://127.0.0.1:8000/",
    "http://127.0.0.1:8000/mcp/x",
    "http://127.0.0.1:8000/MCP",
    "http://127.0.0.1:8000/mcp//",
    "http://127.0.0.1:8000/mcp?x=1",
    "http://127.0.0.1:8000/mcp#x",
    "http://user@127.0.0.1:8000/mcp",
    "http://127.0.0.1/mcp",
    "https://127.0.0.1:8000/mcp",
    "http://[",
    "urn:x",
    "mcp",
    "",
]


@pytest.fixture
def host(client, alice) -> Host:
    return Host(client).connect(alice)


@pytest.mark.django_db
@pytest.mark.parametrize("value", OURS)
def test_our_resource_may_be_named_again(host, value):
    assert host.redeem(host.code(), resource=value).status_code == 200
    assert host.refresh(host.tokens["refresh_token"], resource=value).status_code == 200
    audiences = AccessToken.objects.values_list("resource", flat=True)
    assert list(audiences) == [["http://127.0.0.1:8000/mcp"]] * 3


@pytest.mark.django_db
def test_it_need_not_be_named(host):
    token = host.redeem(host.code(resource=None)).json()["access_token"]
    assert AccessToken.objects.get(last_four=token[-4:]).resource == ["http://127.0.0.1:8000/mcp"]


@pytest.mark.django_db
@pytest.mark.parametrize("value", OTHERS)
def test_another_resource_is_an_invalid_target_and_spends_nothing(host, value):
    code = host.code()
    check_refused(host.redeem(code, resource=value), 400, "invalid_target")
    answer = host.refresh(host.tokens["refresh_token"], resource=value)
    check_refused(answer, 400, "invalid_target")
    assert AccessToken.objects.count() == RefreshToken.objects.count() == 1
    assert Grant.objects.count() == 1
    assert host.redeem(code).status_code == 200
    assert host.refresh(host.tokens["refresh_token"]).status_code == 200


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_the_endpoint_takes_tokens_for_itself_only(post, host, alice):
    token = host.tokens["access_token"]
    static, plaintext = make_token(alice)
    for each in (token, plaintext):
        assert post(each, "ping").status_code == 200
    for audience in ([], ["https://evil.example/mcp"], ["http://127.0.0.1:8000/mcp/"]):
        AccessToken.objects.update(resource=audience)
        for each in (token, plaintext):
            answer = post(each, "ping")
            assert answer.status_code == 401
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    AccessToken.objects.update(resource=["https://evil.example/mcp", "http://127.0.0.1:8000/mcp"])
    assert post(token, "ping").status_code == 200
    assert static.kind == "static"


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_only_the_access_token_is_a_bearer(post, host, client):
    code = host.code()
    for other in (host.tokens["refresh_token"], code, Grant.objects.get().code):
        assert post(other, "ping").status_code == 401
