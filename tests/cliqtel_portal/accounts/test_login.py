"""Signing in and out."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client

from cliqtel_portal.accounts.models import Membership, User

PASSWORD = "correct horse battery"
NOT_RIGHT = "The e-mail address or the password is not right."


def sign_in(client: Client, email: str, password: str = PASSWORD, **extra: str) -> HttpResponse:
    return client.post("/account/login/", {"login": email, "password": password, **extra})


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_the_right_password_signs_in_and_goes_home(client: Client, alice: Membership) -> None:
    response = sign_in(client, "alice@acme.example")

    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(alice.user_id)


def test_the_address_may_be_written_in_capitals(client: Client, alice: Membership) -> None:
    sign_in(client, " Alice@ACME.example ")

    assert is_signed_in(client)


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/numbers/ai-access/", "/numbers/ai-access/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_signing_in_leads_only_to_our_pages(
    client: Client, alice: Membership, wanted: str, reached: str
) -> None:
    assert sign_in(client, "alice@acme.example", next=wanted)["Location"] == reached


@pytest.mark.parametrize("email", ["alice@acme.example", "nobody@acme.example"])
def test_a_wrong_password_and_an_unknown_person_read_the_same(
    client: Client, alice: Membership, email: str
) -> None:
    response = sign_in(client, email, "wrong")

    assert response.status_code == 200
    assert NOT_RIGHT in response.content.decode()
    assert not is_signed_in(client)


def test_a_disabled_person_does_not_get_in(client: Client, alice: Membership) -> None:
    User.objects.filter(pk=alice.user_id).update(is_active=False)

    assert NOT_RIGHT in sign_in(client, "alice@acme.example", "wrong").content.decode()
    response = sign_in(client, "alice@acme.example")

    assert response["Location"] == "/account/inactive/"
    assert not is_signed_in(client)
    assert "account is closed" in client.get("/account/inactive/").content.decode()


def test_a_session_ends_when_the_person_is_disabled(
    client: Client, alice: Membership, sample_pages: None
) -> None:
    client.force_login(alice.user)
    assert client.get("/numbers/").status_code == 200
    User.objects.filter(pk=alice.user_id).update(is_active=False)

    assert client.get("/numbers/")["Location"].startswith("/account/login/")


@pytest.mark.parametrize("field", ["login", "password"])
def test_a_nul_byte_is_a_wrong_answer_and_no_crash(
    client: Client, alice: Membership, field: str
) -> None:
    fields = {"login": "alice@acme.example", "password": PASSWORD}
    fields[field] += "\x00"
    response = client.post("/account/login/", fields)

    assert response.status_code == 200
    assert not is_signed_in(client)


def test_password_managers_are_helped(client: Client, db: None) -> None:
    page = client.get("/account/login/").content.decode()

    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
    assert "onpaste" not in page


def test_a_form_without_its_secret_is_refused_in_words(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/account/login/", {"login": "a@b.example", "password": "x"})

    assert response.status_code == 403
    assert "This form was too old" in response.content.decode()


def test_hosts_keep_the_window_that_opened_sign_in(client: Client, alice: Membership) -> None:
    header = "Cross-Origin-Opener-Policy"

    assert client.get("/account/login/")[header] == "unsafe-none"
    assert sign_in(client, "alice@acme.example", "wrong")[header] == "unsafe-none"
    assert sign_in(client, "alice@acme.example")[header] == "unsafe-none"
    assert client.get("/account/password/reset/")[header] == "same-origin"


def test_signing_out_takes_a_post(client: Client, alice: Membership) -> None:
    client.force_login(alice.user)
    assert "Sign out?" in client.get("/account/logout/").content.decode()
    assert is_signed_in(client)

    response = client.post("/account/logout/")

    assert response["Location"] == "/account/login/"
    assert not is_signed_in(client)


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_signs_up(client: Client, db: None, method: str) -> None:
    fields = {"email": "new@acme.example", "password1": PASSWORD, "password2": PASSWORD}
    response = getattr(client, method)("/account/signup/", fields)

    assert "People are invited here" in response.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "email/",
        "confirm-email/",
        "login/code/",
        "login/code/confirm/",
        "password/set/",
        "3rdparty/",
    ],
)
def test_pages_of_allauth_that_we_do_not_use_are_not_there(
    client: Client, alice: Membership, path: str
) -> None:
    client.force_login(alice.user)

    assert client.get(f"/account/{path}").status_code == 404
