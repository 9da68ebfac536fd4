"""Approving several of one kind: the sum first, then each by itself."""

from __future__ import annotations

from html import unescape

import pytest

from approvals import services
from approvals.models import Approval, Decision
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import PortalError
from tests.approvals.pages import signed_in
from tests.factories.approvals import (
    ACTION,
    CountingExecutor,
    make_approval,
    make_policy,
    quote_of,
)

pytestmark = pytest.mark.django_db

TOGETHER = "/approvals/together/"


def post(member: Membership, *approvals: Approval, **fields: str) -> str:
    boxes = [f"{one.pk}.{one.digest}" for one in approvals]
    response = signed_in(member).post(TOGETHER, {"approval": boxes, **fields}, follow=True)
    return unescape(response.content.decode())


def states() -> list[str]:
    return sorted(Approval.objects.values_list("status", flat=True))


@pytest.fixture
def two(bob: Membership, executor: CountingExecutor) -> list[Approval]:
    executor.price = quote_of("1.5", "2")
    return [make_approval(bob, title=title, price=executor.price) for title in ("one", "two")]


def test_the_sum_is_shown_before_anything_is_decided(
    alice: Membership, two: list[Approval]
) -> None:
    assert "Approve the ticked ones together" in unescape(
        signed_in(alice).get("/approvals/").content.decode()
    )
    page = post(alice, *two)
    for text in ("Approve 2 together?", "€3.00", "€4.00", "€7.00"):
        assert text in page
    assert states() == ["pending", "pending"]
    assert "You approved 2." in post(alice, *two, confirmed="1")
    assert states() == ["approved", "approved"]
    assert {one.digest_seen for one in Decision.objects.all()} == {one.digest for one in two}


def test_one_that_can_not_be_done_keeps_no_other_back(
    alice: Membership,
    two: list[Approval],
    executor: CountingExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def recheck(approval: Approval) -> object:
        if approval.title == "one":
            raise PortalError("The number is gone <b>.")
        return executor.price

    monkeypatch.setattr(executor, "recheck", recheck)
    page = post(alice, *two, confirmed="1")
    assert "Not approved: “one”. The number is gone <b>." in page
    assert "You approved 1." in page
    assert states() == ["approved", "pending"]


def test_different_kinds_are_not_summed(
    alice: Membership, two: list[Approval], executor: CountingExecutor
) -> None:
    other = make_approval(alice, action="assign_number")
    assert "Approve one kind at a time" in post(alice, two[0], other, confirmed="1")
    assert "Tick what you want" in post(alice, confirmed="1")
    assert set(states()) == {"pending"}


def test_what_changed_meanwhile_stops_all(
    alice: Membership, carol: Membership, two: list[Approval]
) -> None:
    services.reject(carol, approval_id=two[0].pk)
    assert "in the meantime" in post(alice, *two, confirmed="1")
    stale = Approval(pk=two[1].pk, digest="0" * 64)
    assert "in the meantime" in post(alice, stale, confirmed="1")
    assert states() == ["pending", "rejected"]


def test_what_needs_more_than_a_click_is_not_approved_together(
    alice: Membership, bob: Membership, carol: Membership, executor: CountingExecutor
) -> None:
    releases = [make_approval(bob, action="release_number") for _ in range(2)]
    make_policy(alice, action=ACTION, layers=[{"from": "0", "deciders": 2}])
    by_two = [make_approval(bob) for _ in range(2)]
    for pair in (releases, by_two):
        assert "in the meantime" in post(alice, *pair, confirmed="1")
    assert "Approve the ticked" not in signed_in(alice).get("/approvals/").content.decode()
    assert Decision.objects.count() == 0


def test_only_deciders_of_the_tenant_approve(
    alice: Membership, bob: Membership, mallory: Membership, two: list[Approval]
) -> None:
    boxes = {"approval": [f"{one.pk}.{one.digest}" for one in two], "confirmed": "1"}
    assert signed_in(bob).post(TOGETHER, boxes).status_code == 403
    assert "in the meantime" in post(mallory, *two, confirmed="1")
    assert signed_in(alice).get(TOGETHER).status_code == 405
    junk = {"approval": ["x", "1.2", "\x00", f"{two[0].pk}"], "confirmed": "1"}
    assert signed_in(alice).post(TOGETHER, junk).status_code == 302
    assert states() == ["pending", "pending"]
