"""Signing in and out."""

from __future__ import annotations

from django.test import Client

from cliqtel_portal.accounts.models import Membership

PASSWORD = "correct horse battery"


def sign_in(client: Client, email: str, password: str = PASSWORD, **extra: str):
    return client.post("/account/login/", {"login": email, "password": password, **extra})


def test_the_right_password_signs_in_and_goes_home(client: Client, alice: Membership) -> None:
    response = sign_in(client, "alice@acme.example")

    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(alice.user_id)
