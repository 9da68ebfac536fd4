"""Settings → Profile and Security."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone

from cliqtel_portal.accounts import passwords
from cliqtel_portal.accounts.browsers import browser_words
from cliqtel_portal.accounts.models import BrowserSession, Membership, User
from cliqtel_portal.accounts.services import profile, sessions
from tests.factories.accounts import MembershipFactory

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
NEW = "alice@new.example"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)
EDGE = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0"
)


def browser(person: Membership, user_agent: str = FIREFOX, address: str = "192.0.2.7") -> Client:
    client = Client(headers={"user-agent": user_agent}, REMOTE_ADDR=address)
    client.force_login(person.user)
    client.get("/settings/profile/")
    return client


def ask(client: Client, email: str = NEW, password: str = PASSWORD) -> str:
    """The path of the link in the mail, or "" where there is none."""
    client.post("/settings/profile/email/", {"email": email, "password": password})
    bodies = [str(sent.body) for sent in mail.outbox[-1:]]
    found = re.search(r"http://127\.0\.0\.1:8000(/account/email/\S+)", "".join(bodies))
    return found[1] if found else ""


@pytest.mark.parametrize("role", ["viewer", "member", "approver", "admin", "owner"])
def test_everybody_names_themselves(client: Client, alice: Membership, role: str) -> None:
    person = MembershipFactory(tenant=alice.tenant, role=role)
    client.force_login(person.user)
    page = client.post("/settings/profile/", {"name": "  Ann \t Example "}, follow=True)

    assert "Your name is saved." in page.content.decode()
    assert User.objects.get(pk=person.user_id).name == "Ann Example"


@pytest.mark.parametrize("name", ["", " ", "\x00", "é" * 121])
def test_what_is_no_name_changes_nothing(client: Client, alice: Membership, name: str) -> None:
    client.force_login(alice.user)

    assert client.post("/settings/profile/", {"name": name}).status_code == 400
    assert User.objects.get(pk=alice.user_id).name == alice.user.name


def test_a_new_address_is_taken_when_its_mailbox_says_so(alice: Membership) -> None:
    client = browser(alice)
    link = ask(client)
    assert mail.outbox[0].to == [NEW]
    assert NEW in client.get(link).content.decode()
    assert User.objects.get(pk=alice.user_id).email == "alice@acme.example"

    client.post(link)

    assert User.objects.get(pk=alice.user_id).email == NEW
    assert [sent.to for sent in mail.outbox] == [[NEW], ["alice@acme.example"]]
    assert client.post(link).status_code == 410
    entered = Client().post("/account/login/", {"login": NEW, "password": PASSWORD})
    assert entered.status_code == 302


def test_a_link_is_of_one_person_of_one_day_and_of_one_password(
    alice: Membership, mallory: Membership
) -> None:
    client = browser(alice)
    link = ask(client)

    assert browser(mallory).post(link).status_code == 410
    assert Client().get(link)["Location"].startswith("/account/login/")
    with time_machine.travel(timezone.now() + timedelta(days=1, seconds=5)):
        assert browser(alice).post(link).status_code == 410
    alice.user.set_password("staple of a new length")
    alice.user.save()
    assert browser(alice).post(link).status_code == 410
    assert client.get("/account/email/nonsense/").status_code in {302, 410}
    assert User.objects.get(pk=alice.user_id).email == "alice@acme.example"


def test_an_address_with_an_account_is_answered_alike_and_never_taken(
    alice: Membership, mallory: Membership
) -> None:
    client = browser(alice)
    free = client.post(
        "/settings/profile/email/", {"email": NEW, "password": PASSWORD}, follow=True
    ).content.decode()
    taken = client.post(
        "/settings/profile/email/",
        {"email": mallory.user.email, "password": PASSWORD},
        follow=True,
    ).content.decode()

    said = "A mail with a link is on its way to <bdi>{}</bdi>."
    assert said.format(NEW) in free
    assert said.format(mallory.user.email) in taken
    assert "/account/email/" not in mail.outbox[-1].body
    change = profile.ask_for_email_change(alice.user, email=NEW)
    User.objects.filter(pk=mallory.user_id).update(email=NEW)
    with pytest.raises(profile.EmailChangeGone):
        profile.confirm_email_change(alice.user, token=change.token)


@pytest.mark.parametrize(
    ("email", "password"),
    [(NEW, "wrong"), ("", PASSWORD), ("a@b\r\nBcc: c@d.example", PASSWORD), ("\x00", PASSWORD)],
)
def test_a_wrong_password_or_address_mails_nobody(
    alice: Membership, email: str, password: str
) -> None:
    response = browser(alice).post(
        "/settings/profile/email/", {"email": email, "password": password}
    )

    assert response.status_code == 400
    assert not mail.outbox


def test_passwords_tried_at_the_same_moment_are_not_all_looked_at(
    alice: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would find the counter of wrong ones as it was before the others."""
    looked_at = []

    def check(user: User, password: str) -> bool:
        looked_at.append(password)
        with pytest.raises(passwords.TooManyPasswords, match="just being looked at"):
            pool.submit(confirm, "second").result(timeout=20)
        return False

    def confirm(password: str) -> None:
        try:
            passwords.confirm_password(request, alice.user, password, outcome="Nothing was done.")
        finally:
            if password == "second":
                connection.close()

    request = RequestFactory().post("/")
    monkeypatch.setattr(User, "check_password", check)
    with ThreadPoolExecutor(1) as pool, pytest.raises(passwords.WrongPassword):
        confirm("first")
    assert looked_at == ["first"]


def test_one_sees_ones_browsers_and_nobody_elses(alice: Membership, mallory: Membership) -> None:
    browser(mallory, EDGE, "198.51.100.9")
    browser(alice, SAFARI, "2001:db8::1")
    page = browser(alice).get("/settings/security/").content.decode()

    assert "Safari on iPhone" in page
    assert "2001:db8::1" in page
    assert page.count("This one") == 1
    assert "198.51.100.9" not in page


def test_a_browser_is_signed_out_from_another(alice: Membership, mallory: Membership) -> None:
    other, here, theirs = browser(alice, SAFARI), browser(alice), browser(mallory)
    (phone,) = (one for one in sessions.sessions_of(alice.user) if one.user_agent == SAFARI)
    path = f"/settings/security/{phone.pk}/sign-out/"

    assert theirs.post(path).status_code == 404
    assert other.get("/settings/security/").status_code == 200
    here.post(path)

    assert other.get("/settings/security/").status_code == 302
    assert here.get("/settings/security/").status_code == 200
    assert here.post(path).status_code == 404


def test_all_other_browsers_are_signed_out_at_once(alice: Membership, mallory: Membership) -> None:
    others, here, theirs = [browser(alice), browser(alice)], browser(alice), browser(mallory)
    page = here.post("/settings/security/sign-out-others/", follow=True)

    assert "Signed out of 2 other browsers." in page.content.decode()
    assert [one.get("/settings/security/").status_code for one in others] == [302, 302]
    assert theirs.get("/settings/security/").status_code == 200


def test_sessions_of_a_former_password_are_not_listed(alice: Membership) -> None:
    browser(alice, SAFARI)
    fields = {"password1": "staple of a new length", "password2": "staple of a new length"}
    here = browser(alice)
    here.post("/account/password/change/", {"oldpassword": PASSWORD, **fields})

    alice.user.refresh_from_db()
    assert [one.user_agent for one in sessions.sessions_of(alice.user)] == [FIREFOX]


def test_the_use_of_a_session_is_noted_now_and_then(alice: Membership) -> None:
    client = browser(alice)
    noted = BrowserSession.objects.get()
    client.get("/settings/profile/")
    assert BrowserSession.objects.get().last_used_at == noted.last_used_at
    client.get("/settings/profile/", REMOTE_ADDR="203.0.113.5")

    moved = BrowserSession.objects.get()
    assert (moved.address, moved.pk) == ("203.0.113.5", noted.pk)
    assert moved.last_used_at > noted.last_used_at


def test_what_ran_out_is_forgotten_with_its_address(alice: Membership) -> None:
    browser(alice)
    kept = browser(alice)
    Session.objects.exclude(session_key=kept.session.session_key).update(expire_date=timezone.now())

    assert sessions.forget_dead_sessions() == 1
    assert BrowserSession.objects.get().session_key == kept.session.session_key


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (SAFARI, "Safari on iPhone"),
        (EDGE, "Edge on macOS"),
        ("curl/8", "An unknown browser"),
        ("", "An unknown browser"),
    ],
)
def test_a_browser_has_a_name_that_people_know(said: str, words: str) -> None:
    assert browser_words(said) == words
