"""Tokens that end without their owners."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError
from django.utils import timezone

from cliqtel_portal.accounts.models import User
from mcp_access import tasks
from mcp_access.ending import (
    purge_dead_tokens,
    revoke_access_tokens_as_staff,
    revoke_refresh_tokens_as_staff,
)
from mcp_access.models import AccessToken, RefreshToken
from tests.factories.accounts import UserFactory
from tests.factories.mcp_access import make_token
from tests.factories.oauth import make_application, make_session

pytestmark = pytest.mark.django_db

Session = Callable[..., RefreshToken]


@pytest.fixture
def staff(db: None) -> User:
    return UserFactory(email="staff@cliqtel.example", is_staff=True)


@pytest.fixture
def session_of(db: None) -> Session:
    """Makes sessions of one app."""
    return partial(make_session, application=make_application())


def _old(days: int = 401) -> datetime:
    return timezone.now() - timedelta(days=days)


def test_staff_end_a_static_token_and_the_log_says_who(staff, alice):
    token, _ = make_token(alice)
    other, _ = make_token(alice)
    assert revoke_access_tokens_as_staff(staff, [token.pk]) == [token]
    token.refresh_from_db()
    assert token.state == "revoked"
    assert token.revoked_by == staff
    assert AccessToken.objects.get(pk=other.pk).revoked_at is None
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (staff, str(token.pk))
    assert entry.change_message == "Revoked."


def test_a_token_that_has_ended_stays_as_it_ended(staff, alice):
    then = timezone.now() - timedelta(days=1)
    token, _ = make_token(alice, revoked_at=then, revoked_by=alice.user)
    assert revoke_access_tokens_as_staff(staff, [token.pk, uuid.uuid4()]) == []
    token.refresh_from_db()
    assert (token.revoked_at, token.revoked_by) == (then, alice.user)
    assert not LogEntry.objects.exists()


def test_an_oauth_token_takes_its_session_along_and_no_other(staff, alice, session_of):
    family = uuid.uuid4()
    first = session_of(alice, family=family, revoked=timezone.now())
    second = session_of(alice, family=family)
    stranger = session_of(alice, family=uuid.uuid4())
    revoke_access_tokens_as_staff(staff, [second.access_token_id])
    for token in AccessToken.objects.filter(refresh_token__token_family=family):
        assert token.revoked_at is not None
    assert AccessToken.objects.get(pk=second.access_token_id).revoked_by == staff
    second.refresh_from_db()
    assert second.revoked is not None
    stranger.refresh_from_db()
    assert stranger.revoked is None
    assert AccessToken.objects.get(pk=stranger.access_token_id).revoked_at is None
    assert AccessToken.objects.get(pk=first.access_token_id).revoked_at is not None


def test_staff_end_the_session_of_a_refresh_token_even_a_used_one(staff, alice, session_of):
    family = uuid.uuid4()
    used = session_of(alice, family=family, revoked=timezone.now())
    live = session_of(alice, family=family)
    assert revoke_refresh_tokens_as_staff(staff, [used.pk]) == [used]
    live.refresh_from_db()
    assert live.revoked is not None
    assert AccessToken.objects.get(pk=live.access_token_id).revoked_at is not None
    assert revoke_refresh_tokens_as_staff(staff, [used.pk, live.pk]) == []
    assert LogEntry.objects.count() == 1


def test_a_refresh_token_without_a_family_ends_alone(staff, alice, session_of):
    one, other = session_of(alice), session_of(alice)
    assert revoke_refresh_tokens_as_staff(staff, [one.pk]) == [one]
    one.refresh_from_db()
    other.refresh_from_db()
    assert one.revoked is not None
    assert other.revoked is None


def test_if_it_can_not_be_logged_nothing_is_revoked(staff, alice, monkeypatch):
    def fail(*_args, **_options):
        raise DatabaseError("the disk is full")

    token, _ = make_token(alice)
    monkeypatch.setattr("django.contrib.admin.models.LogEntryManager.log_actions", fail)
    with pytest.raises(DatabaseError, match="disk is full"):
        revoke_access_tokens_as_staff(staff, [token.pk])
    token.refresh_from_db()
    assert token.revoked_at is None


def test_only_what_died_long_ago_is_purged(alice, settings):
    kept = [
        make_token(alice)[0],
        make_token(alice, expires=_old(399))[0],
        make_token(alice, revoked_at=_old(399))[0],
        make_token(alice, expires=_old(10), revoked_at=_old(20))[0],
    ]
    gone = [
        make_token(alice, expires=_old())[0],
        make_token(alice, revoked_at=_old())[0],
        make_token(alice, expires=_old(300), revoked_at=_old())[0],
    ]
    purged = purge_dead_tokens()
    assert (purged.access_tokens, purged.refresh_tokens) == (3, 0)
    assert set(AccessToken.objects.all()) == set(kept)
    assert not AccessToken.objects.filter(pk__in=[token.pk for token in gone]).exists()
    settings.TOKEN_RETENTION_DAYS = 5
    assert purge_dead_tokens().access_tokens == 3


def test_a_chain_of_rotated_tokens_goes_oldest_first(alice):
    last = make_token(alice, expires=_old())[0]
    for _ in range(4):
        last = make_token(alice, name="chain", expires=_old(500), replaced_by=last)[0]
    assert purge_dead_tokens(batch=2).access_tokens == 5
    assert not AccessToken.objects.exists()


def test_a_dead_successor_stays_while_its_predecessor_does(alice):
    successor = make_token(alice, revoked_at=_old(), name="one")[0]
    predecessor = make_token(alice, expires=_old(395), name="one", replaced_by=successor)[0]
    assert purge_dead_tokens().access_tokens == 0
    AccessToken.objects.filter(pk=predecessor.pk).update(expires=_old())
    assert purge_dead_tokens().access_tokens == 2


def test_sessions_are_purged_with_their_access_tokens(alice, session_of):
    family = uuid.uuid4()
    session_of(alice, family=family, expires=_old(), created=_old(402), revoked=_old())
    session_of(alice, family=family, expires=_old(430), created=_old(431))  # expired unused
    recent = session_of(alice, family=family, expires=_old(399), created=_old(399))
    # Its access token is long dead, but the refresh token still says whose session it was.
    held = session_of(alice, family=family, expires=_old(), created=_old(401))
    purged = purge_dead_tokens(batch=1)
    assert (purged.access_tokens, purged.refresh_tokens) == (2, 2)
    assert set(RefreshToken.objects.all()) == {recent, held}
    assert AccessToken.objects.count() == 2


def test_in_batches_nothing_is_left_over(alice):
    for _ in range(5):
        make_token(alice, expires=_old())
    assert purge_dead_tokens(batch=2).access_tokens == 5
    assert purge_dead_tokens(batch=2).access_tokens == 0


def test_the_task_purges_and_says_so(alice, caplog):
    make_token(alice, expires=_old())
    with caplog.at_level("INFO", "mcp_access.tasks"):
        tasks.purge_dead_tokens()
    assert not AccessToken.objects.exists()
    assert "purged 1 access tokens and 0 refresh tokens" in caplog.text
