"""Invitations by mail: sending, and coming in."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from cliqtel_portal.accounts.change_models import MembershipChange
from cliqtel_portal.accounts.models import Invitation, Membership, Tenant, User
from cliqtel_portal.accounts.services import invitations, members
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.mcp_access import make_token
from tests.races import at_once

pytestmark = pytest.mark.django_db
PAGE = "/settings/members/"
DORA = "dora@elsewhere.example"
PERSON = {"name": "Dora Jansen", "password": "staple of a new length"}


def link_of_mail() -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/account/invitation/\S+)", mail.outbox[-1].body)
    assert found is not None
    return found[1]


def invite(client: Client, owner: Membership, email: str = DORA, role: str = "approver") -> str:
    """The path of the link."""
    client.force_login(owner.user)
    assert client.post(PAGE, {"email": email, "role": role}).status_code == 302
    return link_of_mail()


def test_a_newcomer_chooses_a_password_and_is_in(client: Client, alice: Membership) -> None:
    link = invite(client, alice, email=" Dora@Elsewhere.example ")
    assert mail.outbox[0].to == [DORA]
    newcomer = Client()
    assert "Join" in newcomer.get(link).content.decode()
    assert not User.objects.filter(email=DORA).exists()

    response = newcomer.post(link, PERSON, follow=True)

    assert "You are in Acme Test as approver." in response.content.decode()
    membership = Membership.objects.get(user__email=DORA)
    assert (membership.tenant, membership.role) == (alice.tenant, "approver")
    assert membership.user.check_password(PERSON["password"])
    kinds = MembershipChange.objects.order_by("at").values_list("kind", "email", "role_after")
    assert list(kinds) == [("invited", DORA, "approver"), ("joined", DORA, "approver")]


def test_the_secret_is_in_the_mail_only(
    client: Client, alice: Membership, caplog: pytest.LogCaptureFixture
) -> None:
    link = invite(client, alice)
    secret = link.rstrip("/").rpartition("/")[2]

    Client().get(link)

    assert len(secret) >= 43
    assert secret not in str(Invitation.objects.values())
    assert secret not in client.get(PAGE).content.decode()
    assert secret not in caplog.text


def test_a_known_person_signs_in_and_confirms(client: Client, alice: Membership) -> None:
    known = MembershipFactory(user__email=DORA, tenant__name="Other BV", role="viewer")
    link = invite(client, alice)
    theirs = Client()
    page = theirs.get(link).content.decode()
    assert "/account/login/?next=" in page
    assert 'name="password"' not in page
    # Nobody makes another account of that address, or takes it over by choosing a password.
    theirs.post(link, PERSON)
    assert not known.user.check_password(PERSON["password"])

    theirs.force_login(known.user)
    assert theirs.get(link).status_code == 200
    assert not Membership.objects.filter(user=known.user, tenant=alice.tenant).exists()
    response = theirs.post(link, follow=True)

    assert response.context["tenant"] == alice.tenant
    assert Membership.objects.get(user=known.user, tenant=alice.tenant).role == "approver"


def test_the_inviting_side_learns_nothing_of_other_accounts(
    client: Client, alice: Membership, mallory: Membership
) -> None:
    UserFactory(email="known@elsewhere.example")
    answers = []
    for email in ("known@elsewhere.example", "nobody@elsewhere.example", mallory.user.email):
        invite(client, alice, email=email)
        page = client.get(PAGE).content.decode()
        page = re.sub(r'(value|href|action)="[^"]*"|\d', "", page.replace(email, "it"))
        answers.append(re.search(r"A mail with a link[^.]*", page))
    assert all(answers)
    assert len({found[0] for found in answers if found}) == 1


def test_somebody_else_is_told_so_and_does_not_come_in(
    client: Client, alice: Membership, mallory: Membership
) -> None:
    link = invite(client, alice)
    client.force_login(mallory.user)

    assert "This is for somebody else" in client.get(link).content.decode()
    assert client.post(link).status_code == 403
    assert Invitation.objects.get().accepted_at is None
    assert Membership.objects.filter(tenant=alice.tenant).count() == 1


def test_a_link_works_once(client: Client, alice: Membership) -> None:
    link = invite(client, alice)
    Client().post(link, PERSON)

    again = Client().post(link, {**PERSON, "name": "Eve"})

    assert again.status_code == 410
    assert "accepted already" in again.content.decode()
    assert User.objects.get(email=DORA).name == "Dora Jansen"


def test_a_link_ends_with_its_week_with_a_newer_one_and_when_withdrawn(
    client: Client, alice: Membership
) -> None:
    first = invite(client, alice)
    invitation = Invitation.objects.get()
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1)):
        assert Client().get(first).status_code == 410

    client.post(f"{PAGE}invitations/{invitation.pk}/resend/")
    second = link_of_mail()
    assert second != first
    assert Client().get(first).status_code == 404
    assert Client().get(second).status_code == 200

    client.post(f"{PAGE}invitations/{invitation.pk}/withdraw/")
    assert Client().post(second, PERSON).status_code == 410
    assert client.post(f"{PAGE}invitations/{invitation.pk}/withdraw/").status_code == 404
    assert client.post(f"{PAGE}invitations/{invitation.pk}/resend/").status_code == 404
    assert not User.objects.filter(email=DORA).exists()


def test_a_closed_account_lets_nobody_in(client: Client, alice: Membership) -> None:
    link = invite(client, alice)
    Tenant.objects.filter(pk=alice.tenant_id).update(status="suspended")

    page = Client().post(link, PERSON)

    assert page.status_code == 404
    assert "Acme" not in page.content.decode()


@pytest.mark.parametrize("secret", ["x", "%00", "é" * 60, "%ff%fe", "..%2f..%2fadmin"])
def test_a_link_that_is_not_ours_is_a_clear_page(client: Client, db: None, secret: str) -> None:
    assert client.get(f"/account/invitation/{secret}/").status_code in {400, 404}


@pytest.mark.parametrize(
    ("person", "told"),
    [
        ({"name": "", "password": ""}, "This field is required"),
        ({"name": "\x00", "password": PERSON["password"]}, "Null characters"),
        ({"name": " \u2003 ", "password": PERSON["password"]}, "This field is required"),
        ({"name": "Dora", "password": "short"}, "at least 10 characters"),
        ({"name": "Dora", "password": DORA}, "too similar"),
        ({"name": "é" * 121, "password": PERSON["password"]}, "at most 120"),
    ],
)
def test_a_poor_answer_makes_nobody(
    client: Client, alice: Membership, person: dict[str, str], told: str
) -> None:
    link = invite(client, alice)
    response = Client().post(link, person)

    assert response.status_code == 400
    assert told in response.content.decode()
    assert not User.objects.filter(email=DORA).exists()
    assert Invitation.objects.get().accepted_at is None


def test_hostile_names_stay_text_in_page_and_mail(client: Client, alice: Membership) -> None:
    User.objects.filter(pk=alice.user_id).update(name="<b>Al</b>\u202eice\r\nBcc: x@evil.example")
    Tenant.objects.filter(pk=alice.tenant_id).update(name="Ac\r\nBcc: x@evil.example\n" + "e" * 70)
    link = invite(client, alice)
    sent = mail.outbox[-1]
    page = Client().get(link).content.decode()

    assert "\n" not in sent.subject
    assert sent.recipients() == [DORA]
    assert "\nBcc" not in sent.body
    assert "<b>Al" not in page
    assert "\u202e" not in page + sent.body


def test_who_comes_back_has_the_new_role_and_none_of_the_old_tokens(
    client: Client, alice: Membership, bob: Membership
) -> None:
    token, _ = make_token(bob)
    members.remove_member(alice, bob.pk)
    link = invite(client, alice, email=bob.user.email, role="viewer")
    client.force_login(bob.user)
    client.post(link)

    bob.refresh_from_db()
    token.refresh_from_db()
    assert (bob.role, bob.ended_at) == ("viewer", None)
    assert token.revoked_at is not None


@pytest.mark.parametrize("email", ["", "no address", "a@b\nc.example", "\x00@x.example", "x" * 300])
def test_what_is_no_address_invites_nobody(client: Client, alice: Membership, email: str) -> None:
    client.force_login(alice.user)

    assert client.post(PAGE, {"email": email, "role": "member"}).status_code == 400
    assert (len(mail.outbox), Invitation.objects.count()) == (0, 0)
    with pytest.raises(InvalidArguments) as refused:
        invitations.invite(alice, email="@", role="superuser")
    assert [one.field for one in refused.value.problems] == ["email", "role"]


def test_who_is_in_already_is_not_invited(
    client: Client, alice: Membership, bob: Membership
) -> None:
    client.force_login(alice.user)
    response = client.post(PAGE, {"email": bob.user.email.upper(), "role": "member"})

    assert "in the account already" in response.content.decode()
    assert not mail.outbox


def test_mails_have_a_limit(client: Client, alice: Membership, settings: Settings) -> None:
    settings.RATE_LIMIT_INVITED_MAILBOX = "2/h"
    client.force_login(alice.user)
    answers = [client.post(PAGE, {"email": DORA, "role": "member"}) for _ in range(3)]

    assert [one.status_code for one in answers] == [302, 302, 429]
    assert len(mail.outbox) == 2


def test_a_mail_server_that_is_away_is_told_and_keeps_the_invitation(
    client: Client, alice: Membership, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    client.force_login(alice.user)
    page = client.post(PAGE, {"email": DORA, "role": "member"}, follow=True).content.decode()

    assert "could not be sent" in page
    assert Invitation.objects.get().email == DORA


@pytest.mark.parametrize("role", ["member", "admin"])
def test_below_an_owner_nobody_invites(client: Client, alice: Membership, role: str) -> None:
    other = MembershipFactory(tenant=alice.tenant, role=role)
    invitation = invitations.invite(alice, email=DORA, role="member").invitation
    client.force_login(other.user)

    for path in (
        PAGE,
        *(f"{PAGE}invitations/{invitation.pk}/{do}/" for do in ("resend", "withdraw")),
    ):
        assert client.post(path, {"email": "x@y.example", "role": "owner"}).status_code == 403
    with pytest.raises(NotPermitted):
        invitations.invite(other, email="x@y.example", role="owner")
    assert Invitation.objects.get().withdrawn_at is None
    assert not mail.outbox


def test_another_accounts_invitation_does_not_exist(
    client: Client, alice: Membership, mallory: Membership
) -> None:
    invitation = invitations.invite(alice, email=DORA, role="member").invitation
    client.force_login(mallory.user)

    assert DORA not in client.get(PAGE).content.decode()
    for do in ("resend", "withdraw"):
        assert client.post(f"{PAGE}invitations/{invitation.pk}/{do}/").status_code == 404
    with pytest.raises(NotFound):
        invitations.withdraw(mallory, invitation.pk)
    assert not mail.outbox


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_member(alice: Membership) -> None:
    secret = invitations.invite(alice, email=DORA, role="member").secret

    def click() -> Membership:
        return invitations.accept_as_new_person(secret, **PERSON)

    won, lost = at_once(click, click)

    assert (len(won), [type(one) for one in lost]) == (1, [invitations.InvitationGone])
    assert Membership.objects.filter(user__email=DORA).count() == 1
