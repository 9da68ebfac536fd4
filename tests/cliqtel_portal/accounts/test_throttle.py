"""Limits of the doors that anybody can knock on."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings
from redis.exceptions import ConnectionError as ValkeyIsAway

from cliqtel_portal.accounts import throttle
from cliqtel_portal.accounts.models import Membership

PASSWORD = "correct horse battery"
ALICE = "alice@acme.example"


def attempt(client: Client, password: str, *, email: str = ALICE, **headers: str) -> int:
    fields = {"login": email, "password": password}
    return client.post("/account/login/", fields, **headers).status_code


def fail(client: Client, times: int, **how: str) -> list[int]:
    return [attempt(client, "wrong", **how) for _ in range(times)]


def test_after_ten_failures_even_the_right_password_waits(
    client: Client, alice: Membership
) -> None:
    assert fail(client, 10) == [200] * 10
    response = client.post("/account/login/", {"login": ALICE, "password": PASSWORD})

    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 300
    assert "no-store" in response["Cache-Control"]
    assert "Please try again in" in response.content.decode()
    assert "_auth_user_id" not in client.session


def test_failures_count_for_the_account_and_the_address_together(
    client: Client, alice: Membership, bob: Membership
) -> None:
    fail(client, 10)

    assert attempt(client, PASSWORD, email="bob@acme.example") == 302
    assert attempt(Client(), PASSWORD, REMOTE_ADDR="192.0.2.7") == 302
    assert attempt(Client(), PASSWORD) == 429


def test_writing_the_address_otherwise_is_the_same_account(
    client: Client, alice: Membership
) -> None:
    fail(client, 5)
    fail(client, 5, email=" ALICE@acme.example")

    assert attempt(client, PASSWORD) == 429


def test_signing_in_is_no_failure(alice: Membership) -> None:
    assert [attempt(Client(), PASSWORD) for _ in range(12)] == [302] * 12


def test_an_empty_field_is_no_failure(client: Client, alice: Membership) -> None:
    for _ in range(12):
        attempt(client, "")

    assert attempt(client, PASSWORD) == 302


def test_one_address_can_not_try_everybody(
    client: Client, alice: Membership, settings: Settings
) -> None:
    settings.RATE_LIMIT_LOGIN = "3/m"
    codes = [attempt(client, "wrong", email=f"u{n}@acme.example") for n in range(4)]

    assert codes == [200, 200, 200, 429]


def test_a_forwarded_address_is_believed_from_our_proxies_only(
    client: Client, alice: Membership, settings: Settings
) -> None:
    for n in range(10):
        attempt(client, "wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{n}")

    assert attempt(client, PASSWORD, HTTP_X_FORWARDED_FOR="198.51.100.99") == 429
    settings.TRUSTED_PROXIES = 1
    assert attempt(client, PASSWORD, HTTP_X_FORWARDED_FOR="198.51.100.99") == 302


def test_a_network_of_ipv6_addresses_is_one_client(client: Client, alice: Membership) -> None:
    for n in range(10):
        attempt(client, "wrong", REMOTE_ADDR=f"2001:db8::{n}")

    assert attempt(client, PASSWORD, REMOTE_ADDR="2001:db8::ffff") == 429
    assert attempt(client, PASSWORD, REMOTE_ADDR="2001:db8:0:1::1") == 302


def test_the_door_stays_shut_while_the_counters_are_away(
    client: Client, alice: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise ValkeyIsAway

    monkeypatch.setattr(throttle, "get_usage", away)
    response = client.post("/account/login/", {"login": ALICE, "password": PASSWORD})

    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert "_auth_user_id" not in client.session


def test_the_current_password_can_not_be_guessed_in_an_open_session(
    client: Client, alice: Membership
) -> None:
    client.force_login(alice.user)
    new = "a new and longer one"
    fields = {"oldpassword": "wrong", "password1": new, "password2": new}
    for _ in range(10):
        assert client.post("/account/password/change/", fields).status_code == 200

    fields["oldpassword"] = PASSWORD
    assert client.post("/account/password/change/", fields).status_code == 429
    alice.user.refresh_from_db()
    assert alice.user.check_password(PASSWORD)


def test_a_mailbox_is_not_flooded_from_many_addresses(alice: Membership) -> None:
    codes = [
        Client()
        .post("/account/password/reset/", {"email": ALICE}, REMOTE_ADDR=f"192.0.2.{n}")
        .status_code
        for n in range(11)
    ]

    assert codes == [302] * 10 + [429]
    assert len(mail.outbox) == 10


def test_one_address_does_not_mail_everybody(client: Client, db: None) -> None:
    codes = [
        client.post("/account/password/reset/", {"email": f"u{n}@acme.example"}).status_code
        for n in range(11)
    ]

    assert codes == [302] * 10 + [429]
