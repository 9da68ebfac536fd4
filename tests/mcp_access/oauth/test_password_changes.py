"""A changed password: browsers and OAuth sessions end by whichever door; static tokens stay."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, User
from cliqtel_portal.notices.models import Notice
from mcp_access.models import AccessToken, Grant, RefreshToken
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.host import Host
from tests.mcp_access.oauth.token_request import check_refused

pytestmark = pytest.mark.django_db

OLD = "correct horse battery"
NEW = "staple of a new length"
LIST = "/numbers/ai-access/tokens/"


@pytest.fixture
def host(alice: Membership) -> Host:
    """Connected by a browser of its own, which stays signed in."""
    return Host(Client()).connect(alice)


def is_signed_in(browser: Client) -> bool:
    return browser.get(LIST).status_code == 200


def sign_in(client: Client, user: User) -> None:
    answer = client.post("/account/login/", {"login": user.email, "password": OLD})
    assert answer.status_code == 302


def by_form(user: User, browser: Client) -> None:
    fields = {"oldpassword": OLD, "password1": NEW, "password2": NEW}
    assert browser.post("/account/password/change/", fields).status_code == 302


def by_mailed_link(user: User, browser: Client) -> None:
    visitor = Client()
    visitor.post("/account/password/reset/", {"email": user.email})
    found = re.search(r"http://127\.0\.0\.1:8000(/\S+)", str(mail.outbox[-1].body))
    assert found
    page = visitor.get(found.group(1), follow=True)
    answer = visitor.post(page.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    assert answer.status_code == 302


def office() -> Client:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def by_staff(user: User, browser: Client) -> None:
    fields = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    answer = office().post(f"/admin/accounts/user/{user.pk}/password/", fields)
    assert answer.status_code == 302, answer.context["form"].errors


def taken_away_by_staff(user: User, browser: Client) -> None:
    fields = {"usable_password": "false", "unset-password": "1"}
    answer = office().post(f"/admin/accounts/user/{user.pk}/password/", fields)
    assert answer.status_code == 302
    user.refresh_from_db()
    assert not user.has_usable_password()


def by_command(user: User, browser: Client) -> None:
    import getpass

    real = getpass.getpass
    getpass.getpass = lambda *_, **__: NEW
    try:
        call_command("changepassword", user.email, verbosity=0)
    finally:
        getpass.getpass = real


DOORS = [by_form, by_mailed_link, by_staff, taken_away_by_staff, by_command]


@pytest.mark.parametrize("door", DOORS)
def test_every_door_ends_oauth_and_browsers_and_leaves_static_tokens(
    client, alice, bob, host, door: Callable[[User, Client], None]
):
    sign_in(client, alice.user)
    colleague = Host(Client()).connect(bob)
    pending = host.code()
    static, _ = make_token(alice)
    assert is_signed_in(host.client)

    door(alice.user, client)

    assert not is_signed_in(host.client)
    assert is_signed_in(client) is (door is by_form), "only who typed it in stays signed in"
    oauth = AccessToken.objects.filter(user=alice.user, kind="oauth")
    assert [token.state for token in oauth] == ["revoked"]
    assert not RefreshToken.objects.filter(user=alice.user, revoked__isnull=True).exists()
    check_refused(host.refresh(host.tokens["refresh_token"]), 400, "invalid_grant")
    check_refused(host.redeem(pending), 400, "invalid_grant")
    assert not Grant.objects.exists()
    static.refresh_from_db()
    assert static.state == "active"
    assert colleague.refresh(colleague.tokens["refresh_token"]).status_code == 200
    assert is_signed_in(colleague.client)
    (notice,) = Notice.objects.all()
    assert (notice.tenant, notice.user, notice.level) == (alice.tenant, alice.user, "warning")


def test_the_notice_of_one_static_token_leads_to_revoking_it(client, alice):
    sign_in(client, alice.user)
    static, _ = make_token(alice)
    by_form(alice.user, client)
    notice = Notice.objects.get()
    assert notice.title == "Your password was changed; 1 static token still works"
    assert notice.link == f"{LIST}{static.pk}/revoke/"
    assert client.get(notice.link).status_code == 200
    assert client.post(notice.link).status_code == 302
    static.refresh_from_db()
    assert static.state == "revoked"


def test_the_notice_of_several_leads_to_the_list(client, alice):
    sign_in(client, alice.user)
    for _ in range(2):
        make_token(alice)
    by_form(alice.user, client)
    notice = Notice.objects.get()
    assert notice.title == "Your password was changed; 2 static tokens still work"
    assert notice.link == LIST


def test_each_tenant_with_a_live_token_has_its_notice(client, alice, bob):
    sign_in(client, alice.user)
    elsewhere = MembershipFactory(user=alice.user, role="member")
    nothing_there = MembershipFactory(user=alice.user, role="member")
    make_token(alice)
    make_token(elsewhere)
    make_token(nothing_there, expires=timezone.now())
    make_token(nothing_there, revoked_at=timezone.now())
    make_token(bob)
    by_form(alice.user, client)
    told = set(Notice.objects.values_list("tenant", "user"))
    assert told == {(alice.tenant_id, alice.user_id), (elsewhere.tenant_id, alice.user_id)}


def test_without_static_tokens_there_is_nothing_to_tell(client, alice, host):
    sign_in(client, alice.user)
    by_form(alice.user, client)
    assert not Notice.objects.exists()


def test_a_hash_renewed_at_log_in_ends_nothing(client, alice, host, settings):
    """Django strengthens old hashes as people sign in: the password is the same."""
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    old = make_password(OLD, hasher="md5")
    User.objects.filter(pk=alice.user_id).update(password=old)
    sign_in(client, alice.user)
    alice.user.refresh_from_db()
    assert alice.user.password.startswith("pbkdf2_sha256")
    assert host.refresh(host.tokens["refresh_token"]).status_code == 200


def test_a_refused_change_ends_nothing(client, alice, host):
    sign_in(client, alice.user)
    for old, new in (("wrong", NEW), (OLD, "short")):
        fields = {"oldpassword": old, "password1": new, "password2": new}
        assert client.post("/account/password/change/", fields).status_code == 200
    assert host.refresh(host.tokens["refresh_token"]).status_code == 200


def test_other_changes_of_a_person_end_nothing(alice, host):
    alice.user.name = "Alice B."
    alice.user.save()
    assert host.refresh(host.tokens["refresh_token"]).status_code == 200


def test_a_new_person_is_told_nothing(db):
    user = User.objects.create_user("new@acme.example", NEW)
    assert user.check_password(NEW)
    assert not Notice.objects.exists()


def test_the_form_says_what_a_new_password_does(client, alice):
    sign_in(client, alice.user)
    page = client.get("/account/password/change/").content.decode()
    assert "disconnects your AI apps" in page
