"""Ending the access of connected apps."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.notices.models import Notice
from mcp_access.connections import connections_of
from mcp_access.models import AccessToken, Consent, RefreshToken
from mcp_access.oauth import connected_apps, sessions
from tests.factories.mcp_access import make_token
from tests.mcp_access.oauth.connected import (
    URL,
    connect,
    detail,
    is_live,
    page_of,
    revoke,
    revoke_all,
    signed_in,
)
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db


def test_revoking_ends_the_app_for_its_person_and_nothing_else(
    alice: Membership, bob: Membership
) -> None:
    mine = connect(alice, live=3)
    other = connect(alice, "Cursor")
    bobs = connect(bob, application=mine.application)
    token, _ = make_token(alice)
    question = page_of(alice, f"{detail(mine)}revoke/")
    assert "Revoke “<bdi>Claude</bdi>”?" in question
    assert "Its 3 sessions stop now" in question
    assert is_live(mine), "asking ends nothing"

    page = revoke(alice, mine)

    assert "Revoked “Claude”. It is refused from now on." in page
    assert [is_live(mine), is_live(other), is_live(bobs)] == [False, True, True]
    mine.refresh_from_db()
    assert mine.revoked_at is not None
    token.refresh_from_db()
    assert token.revoked_at is None


def test_revoking_again_says_that_it_had_ended(alice: Membership) -> None:
    consent = connect(alice)
    revoke(alice, consent)
    revoked_at = Consent.objects.get().revoked_at

    for page in (
        revoke(alice, consent),
        signed_in(alice).get(f"{detail(consent)}revoke/", follow=True).content.decode(),
    ):
        assert "“Claude” had no access any more: it had ended already." in page
    assert Consent.objects.get().revoked_at == revoked_at


def test_revoking_an_app_that_ran_out_is_no_error(alice: Membership) -> None:
    consent = connect(alice)
    RefreshToken.objects.update(expires_at=timezone.now())

    assert "it had ended already" in revoke(alice, consent)
    assert not is_live(consent)


def test_revoking_while_the_app_signs_in_wins(client: Any, alice: Membership) -> None:
    host = Host(client)
    host.register()
    client.force_login(alice.user)
    code = host.code()

    page = revoke(alice, Consent.objects.get())

    assert "Revoked “Claude”." in page
    assert host.redeem(code).status_code == 400
    assert not AccessToken.objects.exists()


def test_a_revoked_app_is_refused_and_can_be_connected_again(
    client: Any, alice: Membership
) -> None:
    host = Host(client).connect(alice)
    consent = Consent.objects.get()
    revoke(alice, consent)
    assert host.refresh(host.tokens["refresh_token"]).status_code == 400
    assert not Notice.objects.exists(), "a host that can't know is no thief"

    assert host.redeem(host.code()).status_code == 200

    assert is_live(consent)
    assert "Connected</span>" in page_of(alice)


def test_an_admin_ends_a_members_app_and_the_member_is_told(
    alice: Membership, bob: Membership
) -> None:
    consent = connect(bob)

    revoke(alice, consent)
    revoke(alice, consent)

    assert not is_live(consent)
    notice = Notice.objects.get()
    assert notice.user == bob.user
    assert "Your access for Claude was revoked" in page_of(bob)
    assert "Your access for Claude was revoked" not in page_of(alice)


def test_an_admin_may_end_an_app_for_everybody(
    alice: Membership, bob: Membership, mallory: Membership
) -> None:
    consent = connect(alice)
    bobs = connect(bob, application=consent.application)
    other = connect(bob, "Cursor")
    elsewhere = connect(mallory, application=consent.application)
    assert "Revoke for all 2 people" in page_of(alice, f"{detail(consent)}revoke/")
    assert "people" not in page_of(bob, f"{detail(bobs)}revoke/")

    page = revoke(alice, consent, whose="everybody")

    assert "Revoked “Claude” for 2 people." in page
    assert not is_live(consent)
    assert not is_live(bobs)
    assert is_live(other)
    assert is_live(elsewhere)


def test_a_member_who_asks_for_everybody_ends_only_their_own(
    alice: Membership, bob: Membership
) -> None:
    alices = connect(alice)
    bobs = connect(bob, application=alices.application)

    revoke(bob, bobs, whose="everybody")
    revoke_all(bob, whose="everybody")

    assert [is_live(alices), is_live(bobs)] == [True, False]


def test_revoke_all_ends_ones_own_or_everybodys(
    alice: Membership, bob: Membership, mallory: Membership
) -> None:
    mine = [connect(alice, f"App {number}") for number in range(3)]
    bobs, foreign = connect(bob), connect(mallory)
    token, _ = make_token(alice)
    question = page_of(alice, f"{URL}revoke-all/")
    assert "Revoke your 3 apps" in question
    assert "Revoke everybody&#x27;s 4" in question or "Revoke everybody's 4" in question

    assert "Revoked 3 apps." in revoke_all(alice)
    assert [is_live(consent) for consent in mine] == [False] * 3
    assert is_live(bobs)
    assert "No app had access any more." in revoke_all(alice)
    assert "Revoked 1 app." in revoke_all(alice, whose="everybody")
    assert not is_live(bobs)
    assert is_live(foreign)
    token.refresh_from_db()
    assert token.revoked_at is None


def test_revoking_takes_a_post_with_the_forms_token(alice: Membership) -> None:
    consent = connect(alice)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice.user)
    for path in (f"{detail(consent)}revoke/", f"{URL}revoke-all/"):
        assert strict.post(path, {"whose": "everybody"}).status_code == 403
        assert signed_in(alice).put(path).status_code == 405
    assert is_live(consent)


def test_ending_clients_for_everybody_names_who_did_it(alice: Membership, bob: Membership) -> None:
    consent = connect(alice, live=2)
    bobs, other = connect(bob, application=consent.application), connect(bob, "Cursor")

    ended = sessions.end_clients([consent.application_id], by=bob.user, reason="test")

    assert ended == 3
    assert [is_live(consent), is_live(bobs), is_live(other)] == [False, False, True]
    tokens = AccessToken.objects.filter(application=consent.application)
    assert {token.revoked_by for token in tokens} == {bob.user}
    assert sessions.end_clients([consent.application_id], by=alice.user, reason="test") == 0


def test_the_last_use_of_a_connection_is_its_own_persons(
    alice: Membership, bob: Membership
) -> None:
    mine = connect(alice)
    bobs = connect(bob, application=mine.application)
    moment = timezone.now()
    AccessToken.objects.filter(user=bob.user).update(last_used_at=moment)

    used = {each.id: each.last_used_at for each in connections_of(alice)}

    assert used == {mine.pk: None, bobs.pk: moment}


@pytest.mark.django_db(transaction=True)
def test_of_two_who_revoke_at_once_one_is_told_that_it_had_ended(
    alice: Membership, bob: Membership
) -> None:
    consent = connect(bob)
    together, answers = threading.Barrier(2), []

    def person(membership: Membership) -> None:
        try:
            together.wait(10)
            answers.append(connected_apps.disconnect(membership, consent.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=person, args=[each]) for each in (alice, bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(answers) == [False, True]
    assert not is_live(consent)
