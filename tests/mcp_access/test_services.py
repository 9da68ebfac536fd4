"""Issuing and revoking static tokens: the rules, and what is stored."""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted
from mcp_access import tokens
from mcp_access.connections import ConnectionLimitReached, count_connections
from mcp_access.models import AccessToken
from mcp_access.services import (
    IssuedToken,
    get_visible_token,
    issue_token,
    revoke_as_system,
    revoke_token,
    visible_tokens,
)
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token

pytestmark = pytest.mark.django_db

READ = {"mcp.inventory.read", "mcp.pricing.read", "mcp.docs.read", "mcp.callflows.read"}
DRAFT = {"mcp.callflows.draft", "mcp.orders.draft"}
CHANGE = {"mcp.numbers.purchase", "mcp.routing.write", "mcp.messaging.send"}
EVERY = READ | DRAFT | CHANGE


def grantable(role: str, tier: str) -> set[str]:
    """product.md, Scopes and Roles, written out: what the code says must equal it."""
    if role == "viewer":
        return set()
    if tier == "discover":
        return READ
    return READ | DRAFT if role == "member" else EVERY


def issue(actor: Membership, name: str = "Laptop", **fields: object) -> IssuedToken:
    return issue_token(actor, **({"name": name, "scopes": ["mcp.docs.read"]} | fields))


def problems_of(actor: Membership, **fields: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidArguments) as caught:
        issue(actor, **fields)
    assert not AccessToken.objects.exists()
    return [(problem.field, problem.message) for problem in caught.value.problems]


# -- what is stored -------------------------------------------------------------------------------


def test_a_token_is_the_actors_own_and_lives_ninety_days(alice: Membership) -> None:
    before = timezone.now()
    issued = issue(alice, name=" Ops agent ", note=" nightly ", scopes=["mcp.docs.read"] * 2)
    token = AccessToken.objects.get()
    assert issued.token == token
    assert (token.kind, token.tenant, token.user) == ("static", alice.tenant, alice.user)
    assert token.created_by == alice.user
    assert (token.name, token.note, token.scope) == ("Ops agent", "nightly", "mcp.docs.read")
    assert token.resource == ["http://127.0.0.1:8000/mcp"]
    assert timedelta(days=90) <= token.expires - before < timedelta(days=90, minutes=1)
    assert (token.allowed_cidrs, token.not_before, token.burst_per_minute) == ([], None, None)
    assert tokens.has_valid_form(issued.plaintext)


def test_only_the_sha256_is_stored_and_nothing_else_ever_holds_the_plaintext(
    alice: Membership, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with CaptureQueriesContext(connection) as queries:
        issued = issue(alice, note="a note", allowed_cidrs=["192.0.2.0/24"])
    secret = issued.plaintext
    # Its first 40 characters already would be a leak: the rest can be searched for.
    for part in (secret, secret[:40], secret[7:50]):
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_jsonb(t)::text FROM mcp_access_accesstoken t")
            (row,) = cursor.fetchone()
        assert part not in row
        assert not any(part in query["sql"] for query in queries)
        assert part not in caplog.text
        for shown in (issued, issued.token):
            assert part not in repr(shown)
            assert part not in str(shown)
        assert part not in repr(vars(issued.token))
    assert tokens.digest(secret) in row
    assert issued.token.last_four == secret[-4:]
    assert issued.token.masked == f"ct_mcp_…{secret[-4:]}"


# -- the rules ------------------------------------------------------------------------------------


def test_all_problems_come_at_once_each_with_its_field(alice: Membership) -> None:
    alice.tenant.tier = "discover"
    found = problems_of(
        alice,
        name="  ",
        note="two\nlines",
        scopes=["mcp.orders.draft", "mcp.everything"],
        expires_at=timezone.now() - timedelta(seconds=1),
        not_before=timezone.now() + timedelta(days=1),
        allowed_cidrs=["192.0.2.0/24", "not a network", "192.0.2.0/33"],
        burst_per_minute=61,
    )
    assert [field for field, _ in found] == [
        "name",
        "note",
        "scopes",
        "scopes",
        "expires",
        "not_before",
        "allowed_cidrs",
        "allowed_cidrs",
        "burst_per_minute",
    ]
    assert ("scopes", "There is no scope mcp.everything.") in found
    assert ("scopes", "mcp.orders.draft is not part of the tier Discover.") in found
    assert ("burst_per_minute", "Between 1 and 60 calls a minute.") in found
    assert "'not a network'" in found[6][1]


@pytest.mark.parametrize("tier", ["discover", "automate", "embed"])
@pytest.mark.parametrize("role", ["viewer", "member", "approver", "admin", "owner"])
def test_scopes_are_those_of_role_and_tier(role: str, tier: str) -> None:
    actor = MembershipFactory(role=role, tenant__tier=tier)
    allowed = grantable(role, tier)
    if not allowed:
        with pytest.raises(NotPermitted, match="no AI access"):
            issue(actor)
        assert not AccessToken.objects.exists()
        return
    if allowed != EVERY:
        found = problems_of(actor, scopes=EVERY)
        assert {field for field, _ in found} == {"scopes"}
        assert {message.split()[0] for _, message in found} == EVERY - allowed
    issued = issue(actor, scopes=allowed)
    assert set(issued.token.scope.split()) == allowed


def test_a_scope_above_the_role_names_the_role_that_has_it(bob: Membership) -> None:
    found = problems_of(bob, scopes=["mcp.numbers.purchase"])
    assert found == [("scopes", "mcp.numbers.purchase needs the role approver.")]


def test_a_token_without_scopes_is_refused(alice: Membership) -> None:
    assert problems_of(alice, scopes=[]) == [("scopes", "Choose at least one scope.")]


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "tab\there", "nul\x00", "half \ud800"])
def test_names_are_short_and_printable(alice: Membership, name: str) -> None:
    assert [field for field, _ in problems_of(alice, name=name)] == ["name"]


def test_a_note_is_short(alice: Membership) -> None:
    assert [field for field, _ in problems_of(alice, note="x" * 201)] == ["note"]


def test_the_longest_name_and_note_are_stored_whole(alice: Membership) -> None:
    token = issue(alice, name="ü" * 80, note="→" * 200).token
    token.refresh_from_db()
    assert (token.name, token.note) == ("ü" * 80, "→" * 200)


@pytest.mark.parametrize(
    ("days", "is_allowed"), [(-1, False), (0, False), (1, True), (365, True), (366, False)]
)
def test_expiry_is_ahead_and_at_most_a_year(alice: Membership, days: int, is_allowed: bool) -> None:
    with time_machine.travel(datetime(2026, 7, 28, tzinfo=UTC), tick=False):
        expires = timezone.now() + timedelta(days=days)
        if is_allowed:
            assert issue(alice, expires_at=expires).token.expires == expires
        else:
            assert [field for field, _ in problems_of(alice, expires_at=expires)] == ["expires"]


def test_a_start_may_lie_ahead_and_the_token_holds_its_place_until_then(
    alice: Membership,
) -> None:
    start = timezone.now() + timedelta(days=3)
    token = issue(alice, not_before=start).token
    assert token.state == "pending"
    assert count_connections(alice.tenant) == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["192.0.2.7/24"], ["192.0.2.0/24"]),
        (["192.0.2.7"], ["192.0.2.7/32"]),
        ([" 192.0.2.7 ", "", "  "], ["192.0.2.7/32"]),
        (["2001:DB8::/32"], ["2001:db8::/32"]),
        (["2001:0db8:0000:0000:0000:0000:0000:0001"], ["2001:db8::1/128"]),
        (["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], ["ffff:" * 7 + "ffff/128"]),
        (["0.0.0.0/0", "::/0"], ["0.0.0.0/0", "::/0"]),
    ],
)
def test_networks_are_kept_in_one_form(
    alice: Membership, given: list[str], kept: list[str]
) -> None:
    token = issue(alice, allowed_cidrs=given).token
    token.refresh_from_db()
    assert token.allowed_cidrs == kept


@pytest.mark.parametrize(
    "cidr",
    [
        "010.0.0.1",
        "192.0.2.0/24/8",
        "1",
        "example.test",
        "fe80::1%eth0",
        "fe80::1%" + "e" * 60,
        "::1%\x00",
        "\u0661.2.3.4",
    ],
)
def test_what_is_no_network_is_refused(alice: Membership, cidr: str) -> None:
    assert [field for field, _ in problems_of(alice, allowed_cidrs=[cidr])] == ["allowed_cidrs"]


def test_networks_are_at_most_twenty(alice: Membership) -> None:
    found = problems_of(alice, allowed_cidrs=[f"192.0.2.{last}" for last in range(21)])
    assert found == [("allowed_cidrs", "At most 20 networks.")]
    issue(alice, allowed_cidrs=[f"192.0.2.{last}" for last in range(20)])


@pytest.mark.parametrize("burst", [0, -1, 301])
def test_an_own_burst_limit_is_within_the_tiers(alice: Membership, burst: int) -> None:
    found = problems_of(alice, burst_per_minute=burst)
    assert found == [("burst_per_minute", "Between 1 and 300 calls a minute.")]
    assert issue(alice, burst_per_minute=300).token.burst_per_minute == 300


# -- names ----------------------------------------------------------------------------------------


def test_a_live_tokens_name_is_taken_for_the_whole_tenant(
    alice: Membership, bob: Membership, mallory: Membership
) -> None:
    issue(bob, name="Laptop")
    with pytest.raises(InvalidArguments) as caught:
        issue(alice, name=" Laptop ")
    assert [problem.field for problem in caught.value.problems] == ["name"]
    assert AccessToken.objects.count() == 1
    issue(mallory, name="Laptop")


def test_a_revoked_tokens_name_is_free(alice: Membership) -> None:
    first = issue(alice, name="Laptop").token
    revoke_token(alice, first.pk)
    assert issue(alice, name="Laptop").token != first


def test_an_expired_tokens_name_is_free(alice: Membership, bob: Membership) -> None:
    expired, _ = make_token(bob, name="Laptop", expires=timezone.now())
    other, _ = make_token(bob, name="Phone", expires=timezone.now())
    assert issue(alice, name="Laptop").token.user == alice.user
    expired.refresh_from_db()
    other.refresh_from_db()
    assert (expired.state, other.state) == ("revoked", "expired")
    assert expired.revoked_by is None


# -- connections ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tier", "override", "limit"),
    [
        ("discover", None, 1),
        ("automate", None, 5),
        ("discover", 3, 3),
        ("automate", 0, 0),
        ("embed", 2, 2),
    ],
)
def test_the_tenants_connections_are_bounded(tier: str, override: int | None, limit: int) -> None:
    actor = MembershipFactory(tenant__tier=tier, tenant__connections=override)
    other = MembershipFactory(tenant=actor.tenant, role="member")
    for number in range(limit):
        issue([actor, other][number % 2], name=f"host {number}")
    for person in (actor, other):
        with pytest.raises(ConnectionLimitReached, match="Disconnect another first"):
            issue(person, name="one more")
    assert count_connections(actor.tenant) == AccessToken.objects.count() == limit


def test_embed_has_no_bound() -> None:
    actor = MembershipFactory(tenant__tier="embed")
    for number in range(8):
        issue(actor, name=f"host {number}")
    assert count_connections(actor.tenant) == 8


def test_dead_tokens_and_other_tenants_hold_no_connection(
    alice: Membership, mallory: Membership
) -> None:
    make_token(alice, revoked_at=timezone.now())
    make_token(alice, expires=timezone.now())
    make_token(mallory)
    assert count_connections(alice.tenant) == 0
    make_token(alice)
    assert count_connections(alice.tenant) == 1


# -- revoking -------------------------------------------------------------------------------------


def test_a_person_revokes_their_own(bob: Membership) -> None:
    token = issue(bob).token
    revoked = revoke_token(bob, token.pk)
    token.refresh_from_db()
    assert revoked == token
    assert (token.state, token.revoked_by) == ("revoked", bob.user)
    assert count_connections(bob.tenant) == 0


@pytest.mark.parametrize("role", ["admin", "owner"])
def test_admins_revoke_everyones(bob: Membership, role: str) -> None:
    admin = MembershipFactory(tenant=bob.tenant, role=role)
    token = issue(bob).token
    assert revoke_token(admin, token.pk).revoked_by == admin.user


def test_nobody_else_can_revoke_or_even_see_it(
    alice: Membership, bob: Membership, mallory: Membership
) -> None:
    token = issue(alice).token
    approver = MembershipFactory(tenant=alice.tenant, role="approver")
    messages = set()
    for stranger in (bob, approver, mallory):
        for refused in (revoke_token, get_visible_token):
            with pytest.raises(NotFound) as caught:
                refused(stranger, token.pk)
            messages.add(caught.value.message)
        assert visible_tokens(stranger) == []
    with pytest.raises(NotFound) as caught:
        revoke_token(alice, uuid.uuid4())
    assert messages == {caught.value.message}, "another's and nobody's look the same"
    token.refresh_from_db()
    assert token.revoked_at is None
    assert visible_tokens(alice) == [get_visible_token(alice, token.pk)] == [token]


def test_revoking_again_changes_nothing(alice: Membership, bob: Membership) -> None:
    token = issue(bob).token
    first = revoke_token(bob, token.pk)
    again = revoke_token(alice, token.pk)
    assert (again.revoked_at, again.revoked_by) == (first.revoked_at, bob.user)
    assert revoke_as_system(token.pk) is False
    token.refresh_from_db()
    assert (token.revoked_at, token.revoked_by) == (first.revoked_at, bob.user)


def test_the_system_revokes_once_and_names_nobody(alice: Membership) -> None:
    token = issue(alice).token
    assert revoke_as_system(token.pk) is True
    assert revoke_as_system(token.pk) is False
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert token.revoked_by is None


def test_a_person_who_lost_ai_access_can_still_revoke(bob: Membership) -> None:
    token = issue(bob).token
    bob.role = "viewer"
    bob.save()
    assert revoke_token(bob, token.pk).revoked_by == bob.user
