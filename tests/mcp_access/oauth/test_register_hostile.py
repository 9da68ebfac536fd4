"""No bytes get anything from the registration endpoint but a refusal in JSON; nor do many."""

from __future__ import annotations

import json

import pytest
from django.conf import LazySettings
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from oauth2_provider.models import Application

from mcp_access.models import OAuthAttempt
from mcp_access.oauth import registration
from tests.mcp_access.oauth.registration_request import (
    GOOD,
    check_form,
    check_refused,
    register,
    send,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"x",
        b"{",
        b"null",
        b"true",
        b"0",
        b'""',
        b"[]",
        b"[{}]",
        b"NaN",
        b"{}x",
        b"{'redirect_uris': 1}",
        b"\x00",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"client_name": "\xe9"}',
        b'{"client_name": "\xed\xa0\x80"}',
        '{"a": 1}'.encode("utf-16"),
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b"9" * 16_000,
        b'{"client_name": ' + b"9" * 16_000 + b"}",
        b'{"redirect_uris": [1e999]}',
        b"redirect_uris=https%3A%2F%2Fclaude.ai%2F",
        b"<xml/>",
    ],
    ids=lambda body: ascii(body[:20]),
)
def test_hostile_bytes_are_refused_in_json(client: Client, body: bytes) -> None:
    answer = send(client, body)
    assert answer.status_code in {400, 413}
    assert answer.json()["error"] in {"invalid_client_metadata", "invalid_redirect_uri"}
    check_form(answer)
    assert not Application.objects.exists()


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.dictionaries(
            st.sampled_from(
                [
                    "redirect_uris",
                    "client_name",
                    "grant_types",
                    "response_types",
                    "token_endpoint_auth_method",
                ]
            ),
            st.recursive(
                st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
                lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
                max_leaves=8,
            ),
        ).map(lambda members: json.dumps(members).encode()),
    )
)
def test_no_bytes_are_an_error_of_ours(
    client: Client, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(registration, "check_limits", lambda request: None)
    answer = send(client, body)
    assert answer.status_code in {201, 400, 413}
    check_form(answer)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/json, text/plain",
    ],
)
def test_the_body_must_be_said_to_be_json(client: Client, content_type: str) -> None:
    check_refused(send(client, json.dumps(GOOD).encode(), content_type))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON",
        "application/json; charset=nonsense",
    ],
)
def test_json_may_come_with_its_charset(client: Client, content_type: str) -> None:
    assert send(client, json.dumps(GOOD).encode(), content_type).status_code == 201


def test_the_body_has_at_most_16_kilobytes(client: Client) -> None:
    body = json.dumps(GOOD).encode()
    check_refused(send(client, body.ljust(16 * 1024 + 1)), status=413)
    check_refused(send(client, body.ljust(2 * 1024 * 1024)), status=413)
    assert send(client, body.ljust(16 * 1024)).status_code == 201


@pytest.mark.parametrize(
    "length", ["", "x", "-1", "0", "+9999999", "1_0", "9" * 400, "9" * 5_000, "\u0663", "\u00b2"]
)
def test_a_length_that_is_none_is_no_error_of_ours(client: Client, length: str) -> None:
    answer = send(client, json.dumps(GOOD).encode(), CONTENT_LENGTH=length)
    assert answer.status_code in {201, 400, 413}
    check_form(answer)


# -- how many --------------------------------------------------------------------------------------
def test_an_address_may_register_so_many_a_minute(client: Client, settings: LazySettings) -> None:
    settings.RATE_LIMIT_REGISTER = "3/m"
    assert [register(client).status_code for _ in range(5)] == [201, 201, 201, 429, 429]
    answer = register(client)
    check_form(answer)
    assert answer.json()["error"] == "temporarily_unavailable"
    assert 0 < int(answer["Retry-After"]) <= 3600
    assert Application.objects.count() == 3
    refused = OAuthAttempt.objects.get(ok=False)
    assert refused.reason == "temporarily_unavailable"
    assert refused.times == 3
    assert OAuthAttempt.objects.count() == 4, "a flood is one row"
    other = send(client, json.dumps(GOOD).encode(), REMOTE_ADDR="198.51.100.7")
    assert other.status_code == 201


def test_what_is_refused_counts_too(client: Client, settings: LazySettings) -> None:
    settings.RATE_LIMIT_REGISTER = "3/m"
    assert [send(client, b"{").status_code for _ in range(4)] == [400, 400, 400, 429]
    assert OAuthAttempt.objects.count() == 4


def test_a_whole_network_of_ipv6_is_one_address(client: Client, settings: LazySettings) -> None:
    settings.RATE_LIMIT_REGISTER = "2/m"
    body = json.dumps(GOOD).encode()
    found = [send(client, body, REMOTE_ADDR=f"2001:db8:1:1::{n}").status_code for n in range(1, 4)]
    assert found == [201, 201, 429]
    assert send(client, body, REMOTE_ADDR="2001:db8:1:2::1").status_code == 201


def test_all_together_may_register_so_many_an_hour(client: Client, settings: LazySettings) -> None:
    settings.RATE_LIMIT_REGISTER_TOTAL = "2/h"
    body = json.dumps(GOOD).encode()
    found = [send(client, body, REMOTE_ADDR=f"198.51.100.{n}").status_code for n in range(1, 5)]
    assert found == [201, 201, 429, 429]
    refused = OAuthAttempt.objects.filter(ok=False).order_by("id")
    assert [one.address for one in refused] == ["198.51.100.3", "198.51.100.4"]


def test_a_forged_address_does_not_help(client: Client, settings: LazySettings) -> None:
    settings.RATE_LIMIT_REGISTER = "1/m"
    body = json.dumps(GOOD).encode()
    found = [
        send(client, body, headers={"x-forwarded-for": f"198.51.100.{n}"}).status_code
        for n in range(3)
    ]
    assert found == [201, 429, 429]
