"""Changing and resetting a password."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import time_machine
from django.core import mail
from django.test import Client

from cliqtel_portal.accounts.models import Membership, User

PASSWORD = "correct horse battery"
NEW = "staple of a new length"
ALICE = "alice@acme.example"


def ask_for_link(client: Client, email: str = ALICE, **headers: str) -> str:
    """The path of the link in the mail, or "" where there is none."""
    response = client.post("/account/password/reset/", {"email": email}, **headers)
    assert response["Location"] == "/account/password/reset/done/"
    found = re.search(r"http://127\.0\.0\.1:8000(/\S+)", str(mail.outbox[-1].body))
    return found.group(1) if found else ""


def set_password(client: Client, link: str, new: str = NEW) -> int:
    """Follow the link as a browser does; the answer to the form's post."""
    page = client.get(link, follow=True)
    path = page.request["PATH_INFO"]
    return client.post(path, {"password1": new, "password2": new}).status_code


def test_a_link_is_mailed_and_sets_the_password(client: Client, alice: Membership) -> None:
    link = ask_for_link(client)
    message = mail.outbox[0]
    assert (message.to, message.subject) == ([ALICE], "Reset your Cliqtel password")

    assert set_password(client, link) == 302
    alice.user.refresh_from_db()
    assert alice.user.check_password(NEW)


def test_the_link_works_once(client: Client, alice: Membership) -> None:
    link = ask_for_link(client)
    set_password(client, link)

    page = Client().get(link, follow=True)

    assert "This link no longer works" in page.content.decode()
    assert set_password(Client(), link, "another long password") == 200
    alice.user.refresh_from_db()
    assert alice.user.check_password(NEW)


def test_the_link_works_for_an_hour(client: Client, alice: Membership) -> None:
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False):
        link = ask_for_link(client)
    with time_machine.travel(now + timedelta(seconds=3601), tick=False):
        assert "no longer works" in Client().get(link, follow=True).content.decode()
    with time_machine.travel(now + timedelta(seconds=3599), tick=False):
        assert "Set a new password" in Client().get(link, follow=True).content.decode()


def test_the_link_is_ours_whatever_host_was_named(client: Client, alice: Membership) -> None:
    ask_for_link(client, HTTP_HOST="localhost")

    body = str(mail.outbox[0].body)
    assert "http://127.0.0.1:8000/account/password/reset/key/" in body
    assert "localhost" not in body + mail.outbox[0].subject


def test_an_unknown_address_reads_the_same_page_and_another_mail(client: Client, db: None) -> None:
    assert ask_for_link(client, "nobody@acme.example") == ""
    assert mail.outbox[0].subject == "No Cliqtel account with this address"
    assert "/account/signup/" not in str(mail.outbox[0].body)


def test_a_disabled_person_gets_no_link(client: Client, alice: Membership) -> None:
    User.objects.filter(pk=alice.user_id).update(is_active=False)

    assert ask_for_link(client) == ""


def test_a_reset_ends_every_session(client: Client, alice: Membership, sample_pages: None) -> None:
    client.force_login(alice.user)
    visitor = Client()
    set_password(visitor, ask_for_link(visitor))

    assert client.get("/numbers/").status_code == 302


def test_a_change_ends_the_other_sessions_and_keeps_this_one(
    client: Client, alice: Membership, sample_pages: None
) -> None:
    other = Client()
    for browser in (client, other):
        browser.force_login(alice.user)
    fields = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    page = client.post("/account/password/change/", fields, follow=True)

    assert "Password changed." in page.content.decode()
    assert client.get("/numbers/").status_code == 200
    assert other.get("/numbers/").status_code == 302


def test_a_change_takes_the_current_password(client: Client, alice: Membership) -> None:
    client.force_login(alice.user)
    fields = {"oldpassword": "wrong", "password1": NEW, "password2": NEW}
    client.post("/account/password/change/", fields)

    alice.user.refresh_from_db()
    assert alice.user.check_password(PASSWORD)


def test_a_weak_password_is_refused_with_the_reason(client: Client, alice: Membership) -> None:
    client.force_login(alice.user)
    fields = {"oldpassword": PASSWORD, "password1": "short", "password2": "short"}
    page = client.post("/account/password/change/", fields).content.decode()

    assert "at least 10 characters" in page
    assert 'aria-invalid="true"' in page


def test_a_first_password_is_set_by_mail(client: Client, alice: Membership) -> None:
    alice.user.set_unusable_password()
    alice.user.save()
    client.force_login(alice.user)

    response = client.get("/account/password/change/")

    assert response["Location"] == "/account/password/reset/"
