"""The token endpoint: how clients prove who they are, by which method, and what is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from oauth2_provider.models import Application

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import ConsumedCode, OAuthAttempt
from tests.mcp_access.oauth.host import Host
from tests.mcp_access.oauth.token_request import FORM, basic, check_refused, redemption

pytestmark = pytest.mark.django_db


@pytest.fixture
def host(client: Client, alice: Membership) -> Host:
    """Registered, with alice's browser."""
    host = Host(client)
    host.register()
    client.force_login(alice.user)
    return host


@pytest.mark.parametrize("client_id", [None, "", "unknown", "x" * 300, "é", "a b"])
def test_an_unknown_client_is_unauthorized(host, client_id):
    code = host.code()
    answer = host.post_token(**redemption(host, code, client_id=None), client_id=client_id)
    check_refused(answer, 401, "invalid_client")
    assert answer["WWW-Authenticate"].startswith("Basic ")
    assert host.redeem(code).status_code == 200


@pytest.fixture
def confidential(client: Client, alice: Membership) -> Host:
    host = Host(client)
    host.register(token_endpoint_auth_method="client_secret_basic")
    client.force_login(alice.user)
    assert host.secret
    return host


def post_basic(host: Host, header: str, **changes: Any) -> Any:
    fields = redemption(host, host.code(), **{"client_id": None, **changes})
    return host.client.post(
        "/oauth/token", urlencode(fields), content_type=FORM, headers={"authorization": header}
    )


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_a_confidential_client_by_header(confidential, scheme):
    header = basic(confidential.client_id, confidential.secret, scheme)
    assert post_basic(confidential, header).status_code == 200
    attempt = OAuthAttempt.objects.filter(step="token").get()
    assert attempt.client_id == confidential.client_id


def test_a_confidential_client_may_name_itself_in_the_body_too(confidential):
    header = basic(confidential.client_id, confidential.secret)
    answer = post_basic(confidential, header, client_id=confidential.client_id)
    assert answer.status_code == 200


def test_a_confidential_client_by_body(confidential):
    assert confidential.redeem(confidential.code()).status_code == 200


@pytest.mark.parametrize("secret", ["wrong", "", "é", "x" * 5000])
def test_a_wrong_secret_is_unauthorized(confidential, secret):
    code = confidential.code()
    check_refused(confidential.redeem(code, client_secret=secret), 401, "invalid_client")
    header = basic(confidential.client_id, secret)
    check_refused(post_basic(confidential, header), 401, "invalid_client")
    assert confidential.redeem(code).status_code == 200


def test_a_confidential_client_without_its_secret_is_unauthorized(confidential):
    answer = confidential.redeem(confidential.code(), client_secret=None)
    check_refused(answer, 401, "invalid_client")


def test_the_stored_hash_is_no_secret(confidential):
    stored = Application.objects.get().client_secret
    assert stored != confidential.secret
    answer = confidential.redeem(confidential.code(), client_secret=stored)
    check_refused(answer, 401, "invalid_client")


def test_authenticating_twice_is_an_invalid_request(confidential):
    header = basic(confidential.client_id, confidential.secret)
    twice = post_basic(confidential, header, client_secret=confidential.secret)
    check_refused(twice, 400, "invalid_request")
    check_refused(post_basic(confidential, header, client_id="other"), 400, "invalid_request")


def test_a_confidential_client_can_not_redeem_a_public_ones_code(host, confidential):
    code = host.code()
    confidential.verifier = host.verifier
    check_refused(confidential.redeem(code), 400, "invalid_grant")
    assert not ConsumedCode.objects.exists()


def test_a_public_client_may_send_an_empty_secret(host):
    assert host.redeem(host.code(), client_secret="").status_code == 200
    assert post_basic(host, basic(host.client_id, "")).status_code == 200
