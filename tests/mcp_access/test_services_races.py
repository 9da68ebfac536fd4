"""What two people do to tokens at the same moment, over two connections."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta

import pytest

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, PortalError
from mcp_access.connections import ConnectionLimitReached, count_connections
from mcp_access.models import AccessToken
from mcp_access.services import (
    IssuedToken,
    TokenNotLive,
    issue_token,
    rotate_token,
)
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token
from tests.races import at_once

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

RUNNERS = 6


def by_number(work: Callable[[int], IssuedToken]) -> tuple[list[IssuedToken], list[PortalError]]:
    """What came of `work(0)`, `work(1)`… begun together."""
    return at_once(*[functools.partial(work, number) for number in range(RUNNERS)])


def test_the_last_free_connection_is_issued_once(alice: Membership, bob: Membership) -> None:
    for number in range(4):
        make_token(alice, name=f"taken {number}")
    people = [alice, bob]
    won, lost = by_number(
        lambda number: issue_token(
            people[number % 2], name=f"racer {number}", scopes=["mcp.docs.read"]
        )
    )
    assert len(won) == 1
    assert {type(error) for error in lost} == {ConnectionLimitReached}
    assert count_connections(alice.tenant) == AccessToken.objects.count() == 5


def test_one_name_is_issued_once(alice: Membership) -> None:
    won, lost = by_number(
        lambda number: issue_token(alice, name="Laptop", scopes=["mcp.docs.read"])
    )
    assert len(won) == 1
    assert {type(error) for error in lost} == {InvalidArguments}
    assert AccessToken.objects.get() == won[0].token


def test_a_token_is_rotated_once(alice: Membership) -> None:
    old, _ = make_token(alice)
    won, lost = by_number(
        lambda number: rotate_token(alice, old.pk, overlap=timedelta(hours=number))
    )
    assert len(won) == 1
    assert {type(error) for error in lost} == {TokenNotLive}
    old.refresh_from_db()
    assert old.replaced_by == won[0].token
    assert AccessToken.objects.count() == 2
    assert count_connections(alice.tenant) == 1


def test_tenants_do_not_wait_for_each_other() -> None:
    people = [MembershipFactory(tenant__tier="discover") for _ in range(RUNNERS)]
    won, lost = by_number(
        lambda number: issue_token(people[number], name="Laptop", scopes=["mcp.docs.read"])
    )
    assert (len(won), lost) == (RUNNERS, [])
