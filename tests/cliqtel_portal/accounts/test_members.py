"""Settings → Members: roles, removal, leaving."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import DatabaseError, transaction
from django.test import Client

from cliqtel_portal.accounts.change_models import MembershipChange
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.accounts.services import members
from cliqtel_portal.accounts.sessions import seats_of
from cliqtel_portal.errors import NotFound, NotPermitted
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.mcp_access import make_token
from tests.races import at_once

pytestmark = pytest.mark.django_db
PAGE = "/settings/members/"

Outbox = list[EmailMessage]


@pytest.fixture
def carol(alice: Membership) -> Membership:
    """A second owner of acme."""
    return MembershipFactory(tenant=alice.tenant, role="owner", user__email="carol@acme.example")


def test_the_list_has_everybody_and_nobody_of_elsewhere(
    client: Client, alice: Membership, bob: Membership, mallory: Membership
) -> None:
    make_token(bob)
    MembershipFactory(tenant=alice.tenant, user__name="Gone", ended_at=alice.created_at)
    client.force_login(alice.user)
    page = client.get(PAGE)

    assert [one.membership for one in page.context["members"]] == [alice, bob]
    assert [one.connections for one in page.context["members"]] == [0, 1]
    assert "mallory" not in page.content.decode()
    assert "Gone" not in page.content.decode()


def test_a_new_role_holds_at_once_and_is_on_record(
    client: Client, alice: Membership, bob: Membership
) -> None:
    client.force_login(alice.user)
    response = client.post(f"{PAGE}{bob.pk}/", {"role": "admin"}, follow=True)

    assert "is admin from now on" in response.content.decode()
    assert f"made <bdi>{bob.user.name}</bdi> admin, before member" in response.content.decode()
    bob.refresh_from_db()
    assert bob.role == "admin"
    change = MembershipChange.objects.get(tenant=alice.tenant)
    assert (change.kind, change.by, change.email, change.role_before, change.role_after) == (
        "role",
        alice.user,
        bob.user.email,
        "member",
        "admin",
    )
    members.change_role(alice, bob.pk, role="admin")
    assert MembershipChange.objects.count() == 1
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        MembershipChange.objects.update(by_name="Nobody")


def test_who_is_removed_loses_pages_tokens_and_apps_for_good(
    client: Client, alice: Membership, bob: Membership
) -> None:
    token, _ = make_token(bob)
    elsewhere = MembershipFactory(user=bob.user, role="member")
    kept, _ = make_token(elsewhere)
    theirs = Client()
    theirs.force_login(bob.user)
    client.force_login(alice.user)

    assert "Remove “" in client.get(f"{PAGE}{bob.pk}/remove/").content.decode()
    client.post(f"{PAGE}{bob.pk}/remove/")

    bob.refresh_from_db()
    token.refresh_from_db()
    kept.refresh_from_db()
    assert bob.ended_at is not None
    assert (token.revoked_by, kept.revoked_at) == (alice.user, None)
    assert token.revoked_at is not None
    key = theirs.session.session_key or ""
    assert seats_of([key])[key].membership == elsewhere
    assert client.post(f"{PAGE}{bob.pk}/remove/").status_code == 404
    assert MembershipChange.objects.get().kind == "removed"


def test_the_last_owner_stays(client: Client, alice: Membership, bob: Membership) -> None:
    disabled = MembershipFactory(tenant=alice.tenant, role="owner", user__is_active=False)

    with pytest.raises(members.LastOwner):
        members.leave(alice)
    for deed in (
        lambda: members.change_role(alice, alice.pk, role="member"),
        lambda: members.remove_member(alice, alice.pk),
    ):
        with pytest.raises(members.OwnRole):
            deed()
    members.remove_member(alice, disabled.pk)
    client.force_login(alice.user)
    response = client.post("/settings/leave/", follow=True)
    assert "only owner" in response.content.decode()
    alice.refresh_from_db()
    assert (alice.role, alice.ended_at) == ("owner", None)


def test_one_leaves_by_oneself(client: Client, bob: Membership) -> None:
    token, _ = make_token(bob)
    client.force_login(bob.user)
    assert "Leave <bdi>" in client.get("/settings/leave/").content.decode()

    assert client.post("/settings/leave/", follow=True).status_code == 403

    token.refresh_from_db()
    assert token.revoked_at is not None
    change = MembershipChange.objects.get()
    assert (change.kind, change.by, change.role_before) == ("left", bob.user, "member")


@pytest.mark.parametrize("role", ["viewer", "member", "approver", "admin"])
def test_below_an_owner_nobody_changes_people(
    client: Client, alice: Membership, bob: Membership, role: str
) -> None:
    other = MembershipFactory(tenant=alice.tenant, role=role)
    client.force_login(other.user)
    listed = client.get(PAGE)

    assert listed.status_code == (200 if role == "admin" else 403)
    if role == "admin":
        content = listed.content.decode()
        assert f"{PAGE}{bob.pk}/" not in content
        assert "Invite somebody" not in content
    for path in (f"{PAGE}{bob.pk}/", f"{PAGE}{bob.pk}/remove/"):
        assert client.get(path).status_code == 403
        assert client.post(path, {"role": "owner"}).status_code == 403
    for deed in (
        lambda: members.change_role(other, other.pk, role="owner"),
        lambda: members.remove_member(other, bob.pk),
    ):
        with pytest.raises(NotPermitted):
            deed()
    assert not MembershipChange.objects.exists()


def test_people_of_another_account_do_not_exist(
    client: Client, alice: Membership, bob: Membership, mallory: Membership
) -> None:
    client.force_login(mallory.user)
    for path in (f"{PAGE}{bob.pk}/", f"{PAGE}{bob.pk}/remove/", f"{PAGE}{uuid.uuid4()}/"):
        assert client.get(path).status_code == 404
        assert client.post(path, {"role": "owner"}).status_code == 404
    with pytest.raises(NotFound):
        members.change_role(mallory, bob.pk, role="viewer")
    bob.refresh_from_db()
    assert (bob.role, bob.ended_at) == ("member", None)


def test_a_page_from_before_a_demotion_changes_nobody(
    alice: Membership, carol: Membership, bob: Membership
) -> None:
    members.change_role(carol, alice.pk, role="admin")

    with pytest.raises(NotPermitted):
        members.remove_member(alice, carol.pk)
    with pytest.raises(NotPermitted):
        members.change_role(alice, bob.pk, role="owner")


@pytest.mark.parametrize("role", ["", "superuser", "\x00", "é" * 500])
def test_what_is_no_role_changes_nothing(
    client: Client, alice: Membership, bob: Membership, role: str
) -> None:
    client.force_login(alice.user)

    assert client.post(f"{PAGE}{bob.pk}/", {"role": role}).status_code == 400
    bob.refresh_from_db()
    assert bob.role == "member"


def test_what_staff_do_is_on_the_accounts_record(
    client: Client, alice: Membership, bob: Membership
) -> None:
    token, _ = make_token(bob)
    crew = UserFactory(email="crew@cliqtel.test", is_staff=True, is_superuser=True)
    client.force_login(crew)
    fields = {"user": bob.user_id, "tenant": bob.tenant_id, "ended_at_0": "", "ended_at_1": ""}
    path = f"/admin/accounts/membership/{bob.pk}/change/"
    for more in (
        {"role": "owner"},
        {"role": "owner"},
        {"role": "owner", "ended_at_0": "2026-01-01", "ended_at_1": "00:00:00"},
    ):
        assert client.post(path, fields | more).status_code == 302

    changes = MembershipChange.objects.filter(tenant=bob.tenant).order_by("at")
    assert [(one.kind, one.by, one.role_before, one.role_after) for one in changes] == [
        ("role", crew, "member", "owner"),
        ("removed", crew, "owner", ""),
    ]
    token.refresh_from_db()
    assert token.revoked_by == crew


def test_who_gets_another_role_or_is_taken_out_has_a_mail(
    alice: Membership, bob: Membership, mailoutbox: Outbox, django_capture_on_commit_callbacks: Any
) -> None:
    alice.user.name = "Alice\nBcc: all@acme.example"
    alice.user.save()
    with django_capture_on_commit_callbacks(execute=True):
        members.change_role(alice, bob.pk, role="viewer")
        members.change_role(alice, bob.pk, role="viewer")
        members.remove_member(alice, bob.pk)

    lowered, removed = mailoutbox
    assert [one.to for one in mailoutbox] == [[bob.user.email]] * 2
    assert lowered.subject == "Your role in Acme Test on Cliqtel"
    assert (
        'Alice Bcc: all@acme.example changed your role in the account "Acme Test"' in lowered.body
    )
    assert "from member to viewer" in lowered.body
    assert "viewer: Reads the pages. No AI access." in lowered.body
    assert removed.subject == "You are out of Acme Test on Cliqtel"
    assert "Its pages are closed to you" in removed.body


def test_who_leaves_and_whose_change_failed_have_no_mail(
    alice: Membership, bob: Membership, mailoutbox: Outbox, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        with pytest.raises(members.OwnRole):
            members.remove_member(alice, alice.pk)
        members.leave(bob)
    assert mailoutbox == []


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_remove_each_other_leave_one(alice: Membership, carol: Membership) -> None:
    won, lost = at_once(
        lambda: members.remove_member(alice, carol.pk),
        lambda: members.change_role(carol, alice.pk, role="viewer"),
    )

    assert (len(won), len(lost)) == (1, 1)
    assert Membership.objects.live().filter(tenant=alice.tenant, role="owner").count() == 1
