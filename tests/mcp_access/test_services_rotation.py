"""Rotating: a successor takes over, and two never count or live on as more than a pair."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted
from mcp_access import tokens
from mcp_access.connections import ConnectionLimitReached, count_connections
from mcp_access.models import AccessToken
from mcp_access.services import (
    TokenNotLive,
    issue_token,
    revoke_token,
    rotate_token,
)
from tests.factories.mcp_access import make_token

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOTHING = timedelta(0)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(datetime(2026, 7, 28, 12, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def reread(token: AccessToken) -> AccessToken:
    return AccessToken.objects.get(pk=token.pk)


def live_names(membership: Membership) -> list[str]:
    return sorted(token.name for token in AccessToken.objects.for_tenant(membership.tenant).live())


# -- the successor --------------------------------------------------------------------------------


def test_the_successor_takes_over_all_but_the_secret(alice: Membership) -> None:
    old = issue_token(
        alice,
        name="Ops agent",
        note="nightly",
        scopes=["mcp.docs.read", "mcp.orders.draft"],
        expires_at=timezone.now() + 40 * DAY,
        allowed_cidrs=["192.0.2.0/24"],
        burst_per_minute=20,
    )
    issued = rotate_token(alice, old.token.pk, overlap=NOTHING)
    new = reread(issued.token)
    for field in ("name", "note", "scope", "allowed_cidrs", "burst_per_minute", "resource"):
        assert getattr(new, field) == getattr(old.token, field), field
    assert (new.kind, new.tenant, new.user) == ("static", alice.tenant, alice.user)
    assert new.created_by == alice.user
    assert reread(old.token).replaced_by == new
    assert issued.plaintext != old.plaintext
    assert new.token_checksum == tokens.digest(issued.plaintext)
    assert issued.plaintext not in repr(issued)


def test_the_successor_has_the_whole_span_again_and_a_year_at_most(
    alice: Membership, clock: time_machine.Coordinates
) -> None:
    old = issue_token(
        alice, name="a", scopes=["mcp.docs.read"], expires_at=timezone.now() + 30 * DAY
    ).token
    ancient, _ = make_token(alice, name="b", expires=timezone.now() + 900 * DAY)
    clock.shift(10 * DAY)
    now = timezone.now()
    assert rotate_token(alice, old.pk, overlap=NOTHING).token.expires == now + 30 * DAY
    assert rotate_token(alice, ancient.pk, overlap=NOTHING).token.expires == now + 365 * DAY


def test_scopes_shrink_to_what_role_and_tier_allow_now(alice: Membership) -> None:
    scopes = ("mcp.docs.read", "mcp.numbers.purchase", "mcp.orders.draft")
    one, _ = make_token(alice, name="one", scopes=scopes)
    two, _ = make_token(alice, name="two", scopes=scopes)
    alice.role = "member"
    assert rotate_token(alice, one.pk, overlap=NOTHING).token.scope == (
        "mcp.docs.read mcp.orders.draft"
    )
    alice.tenant.tier = "discover"
    assert rotate_token(alice, two.pk, overlap=NOTHING).token.scope == "mcp.docs.read"
    assert reread(one).scope == "mcp.docs.read mcp.numbers.purchase mcp.orders.draft"


def test_a_start_that_lies_ahead_stays_ahead(alice: Membership) -> None:
    start = timezone.now() + 2 * DAY
    old = issue_token(
        alice,
        name="later",
        scopes=["mcp.docs.read"],
        not_before=start,
        expires_at=start + 30 * DAY,
    ).token
    new = rotate_token(alice, old.pk, overlap=NOTHING).token
    assert (new.not_before, new.expires) == (start, start + 30 * DAY)
    assert reread(old).state == "expired"
    assert live_names(alice) == ["later"]


# -- the overlap ----------------------------------------------------------------------------------


def test_without_overlap_the_old_one_ends_at_once(alice: Membership) -> None:
    old, _ = make_token(alice)
    new = rotate_token(alice, old.pk, overlap=NOTHING).token
    assert reread(old).state == "expired"
    assert list(AccessToken.objects.live()) == [new]


def test_with_overlap_both_live_until_its_end(
    alice: Membership, clock: time_machine.Coordinates
) -> None:
    old, _ = make_token(alice)
    new = rotate_token(alice, old.pk, overlap=24 * HOUR).token
    assert reread(old).expires == timezone.now() + 24 * HOUR
    clock.shift(24 * HOUR - timedelta(seconds=1))
    assert set(AccessToken.objects.live()) == {old, new}
    clock.shift(timedelta(seconds=1))
    assert set(AccessToken.objects.live()) == {new}


def test_the_old_one_never_outlives_its_own_expiry(alice: Membership) -> None:
    expires = timezone.now() + 2 * HOUR
    old, _ = make_token(alice, expires=expires)
    rotate_token(alice, old.pk, overlap=7 * DAY)
    assert reread(old).expires == expires


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), 7 * DAY + timedelta(seconds=1)])
def test_the_overlap_is_nothing_to_seven_days(alice: Membership, overlap: timedelta) -> None:
    old, _ = make_token(alice)
    with pytest.raises(InvalidArguments) as caught:
        rotate_token(alice, old.pk, overlap=overlap)
    assert [problem.field for problem in caught.value.problems] == ["overlap"]
    assert reread(old).replaced_by is None
    rotate_token(alice, old.pk, overlap=7 * DAY)


# -- who and what is refused ----------------------------------------------------------------------


def test_a_token_is_rotated_once(alice: Membership) -> None:
    old, _ = make_token(alice)
    first = rotate_token(alice, old.pk, overlap=24 * HOUR).token
    with pytest.raises(TokenNotLive, match="rotated already"):
        rotate_token(alice, old.pk, overlap=24 * HOUR)
    assert AccessToken.objects.count() == 2
    assert reread(old).replaced_by == first


def test_dead_tokens_are_not_rotated(alice: Membership) -> None:
    revoked, _ = make_token(alice, revoked_at=timezone.now())
    expired, _ = make_token(alice, expires=timezone.now())
    for dead in (revoked, expired):
        with pytest.raises(TokenNotLive, match="no longer live"):
            rotate_token(alice, dead.pk, overlap=NOTHING)
    assert AccessToken.objects.count() == 2


def test_only_its_person_rotates_a_token(
    alice: Membership, bob: Membership, mallory: Membership
) -> None:
    token, _ = make_token(bob)
    with pytest.raises(NotPermitted, match="You can revoke it"):
        rotate_token(alice, token.pk, overlap=NOTHING)
    with pytest.raises(NotFound):
        rotate_token(mallory, token.pk, overlap=NOTHING)
    with pytest.raises(NotFound):
        rotate_token(bob, uuid.uuid4(), overlap=NOTHING)
    bob.role = "viewer"
    with pytest.raises(NotPermitted, match="no AI access"):
        rotate_token(bob, token.pk, overlap=NOTHING)
    assert AccessToken.objects.count() == 1
    assert reread(token).replaced_by is None


def test_a_person_of_two_tenants_rotates_in_the_one_it_is_of(
    alice: Membership, mallory: Membership
) -> None:
    there = Membership.objects.create(user=alice.user, tenant=mallory.tenant, role="member")
    token, _ = make_token(alice)
    with pytest.raises(NotFound):
        rotate_token(there, token.pk, overlap=NOTHING)
    rotate_token(alice, token.pk, overlap=NOTHING)


# -- one connection -------------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", [NOTHING, 24 * HOUR])
def test_a_pair_is_one_connection(mallory: Membership, overlap: timedelta) -> None:
    mallory.tenant.tier = "discover"
    mallory.tenant.save()
    old, _ = make_token(mallory)
    rotate_token(mallory, old.pk, overlap=overlap)
    assert count_connections(mallory.tenant) == 1
    with pytest.raises(ConnectionLimitReached):
        issue_token(mallory, name="second", scopes=["mcp.docs.read"])


def test_after_the_successor_is_revoked_the_old_one_counts_until_it_ends(
    alice: Membership, clock: time_machine.Coordinates
) -> None:
    old, _ = make_token(alice)
    new = rotate_token(alice, old.pk, overlap=24 * HOUR).token
    revoke_token(alice, new.pk)
    assert list(AccessToken.objects.for_tenant(alice.tenant).connections()) == [old]
    clock.shift(25 * HOUR)
    assert count_connections(alice.tenant) == 0


def test_after_the_old_one_is_revoked_the_successor_counts(alice: Membership) -> None:
    old, _ = make_token(alice)
    new = rotate_token(alice, old.pk, overlap=24 * HOUR).token
    revoke_token(alice, old.pk)
    assert list(AccessToken.objects.for_tenant(alice.tenant).connections()) == [new]


def test_of_a_chain_no_more_than_two_live(alice: Membership, bob: Membership) -> None:
    """Else one connection could hold any number of hosts by rotating again and again."""
    first, _ = make_token(alice)
    bystander, _ = make_token(bob)
    second = rotate_token(alice, first.pk, overlap=7 * DAY).token
    third = rotate_token(alice, second.pk, overlap=7 * DAY).token
    assert set(AccessToken.objects.live()) == {second, third, bystander}
    assert reread(first).revoked_by == alice.user
    assert count_connections(alice.tenant) == 2, "the pair, and bob's"
    revoke_token(alice, second.pk)
    assert count_connections(alice.tenant) == 2


def test_a_chain_of_tokens_that_have_not_started_can_be_rotated(alice: Membership) -> None:
    start = timezone.now() + 2 * DAY
    first, _ = make_token(alice, not_before=start)
    second = rotate_token(alice, first.pk, overlap=3 * DAY).token
    assert reread(first).not_before == start, "it starts before the overlap ends"
    third = rotate_token(alice, second.pk, overlap=HOUR).token
    assert set(AccessToken.objects.live()) == {second, third}
    assert third.not_before == start


def test_the_name_stays_the_chains(alice: Membership, bob: Membership) -> None:
    old, _ = make_token(alice, name="Ops")
    rotate_token(alice, old.pk, overlap=24 * HOUR)
    with pytest.raises(InvalidArguments):
        issue_token(bob, name="Ops", scopes=["mcp.docs.read"])
    assert live_names(alice) == ["Ops", "Ops"]
