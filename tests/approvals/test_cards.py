"""What one person sees of an approval, and may do about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from approvals import execution, services
from approvals.cards import Card, cards_of, waiting_for
from approvals.errors import PriceChanged
from approvals.models import Approval, Decision
from approvals.states import Status
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import PortalError
from tests.factories.accounts import MembershipFactory
from tests.factories.approvals import (
    ACTION,
    CountingExecutor,
    approval_in,
    decide,
    make_approval,
    make_policy,
    quote_of,
)

pytestmark = pytest.mark.django_db

TWO_FROM_100 = [{"from": "100", "deciders": 2}]


class Away(PortalError):
    code = "carrier_unavailable"
    retryable = True


def card(member: Membership, approval: Approval) -> Card:
    return cards_of(member, [Approval.objects.get(pk=approval.pk)])[0]


def rights(found: Card) -> tuple[bool, bool, bool]:
    return found.may_approve, found.may_reject, found.may_cancel


def test_a_card_tells_what_and_who_and_what_it_costs(
    alice: Membership, bob: Membership, executor: CountingExecutor
) -> None:
    approval = make_approval(
        bob,
        price=quote_of("1.5", "2"),
        summary="One number in Amsterdam.",
        reason_text="Please <b>",
        client_label="Claude",
        token_label="Ops agent",
    )
    found = card(alice, approval)
    assert (found.id, found.digest, found.path) == (
        approval.pk,
        approval.digest,
        f"/approvals/{approval.pk}/",
    )
    assert found.cost
    assert (str(found.cost.once), str(found.cost.monthly)) == ("€1.50", "€2.00")
    assert str(found.cost.first_charge) == "€3.50"
    assert (found.host, found.token, found.reason) == ("Claude", "Ops agent", "Please <b>")
    assert (found.requester_name, found.is_mine) == (bob.user.display_name, False)
    assert (found.status, found.status_words, found.approvals_missing) == ("pending", "Waiting", 1)
    assert rights(found) == (True, True, False)
    assert (found.why_not, found.needs_password, found.outcome) == ("", False, "")


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("viewer", (False, False, False)),
        ("member", (False, False, False)),
        ("approver", (True, True, False)),
        ("admin", (True, True, False)),
        ("owner", (True, True, False)),
    ],
)
def test_only_deciders_may_decide(
    bob: Membership, executor: CountingExecutor, role: str, expected: tuple[bool, bool, bool]
) -> None:
    reader = MembershipFactory(tenant=bob.tenant, role=role)
    found = card(reader, make_approval(bob))
    assert rights(found) == expected
    assert bool(found.why_not) is not found.may_approve


def test_a_policy_of_owners_is_told_to_an_approver(
    alice: Membership, carol: Membership, executor: CountingExecutor
) -> None:
    make_policy(alice, decider_role="owner")
    found = card(carol, make_approval(alice))
    assert rights(found) == (False, False, False)
    assert found.why_not == "Owners of Acme Test decide this."
    assert rights(card(alice, make_approval(alice))) == (True, True, True)


def test_the_requester_of_a_large_one_may_take_it_back_and_not_approve(
    alice: Membership, carol: Membership, executor: CountingExecutor
) -> None:
    approval = make_approval(alice, price=quote_of("500"))
    found = card(alice, approval)
    assert rights(found) == (False, True, True)
    assert "another person" in found.why_not
    assert rights(card(carol, approval)) == (True, True, False)


def test_the_only_decider_is_asked_for_the_password(
    alice: Membership, bob: Membership, executor: CountingExecutor
) -> None:
    large, small = make_approval(alice, price=quote_of("500")), make_approval(alice)
    assert (card(alice, large).may_approve, card(alice, large).needs_password) == (True, True)
    assert not card(alice, small).needs_password
    # Nobody else is told to type one.
    assert not card(bob, large).needs_password


def test_who_has_agreed_waits_for_the_second(
    alice: Membership, carol: Membership, bob: Membership, executor: CountingExecutor
) -> None:
    make_policy(alice, layers=TWO_FROM_100)
    approval = make_approval(bob, price=quote_of("100"))
    assert card(alice, approval).approvals_missing == 2
    decide(approval, alice)
    mine, hers = card(alice, approval), card(carol, approval)
    assert rights(mine) == (False, True, False)
    assert mine.why_not == "You have approved it. 1 more person has to."
    assert (mine.approvals_missing, hers.approvals_missing) == (1, 1)
    assert rights(hers) == (True, True, False)
    assert hers.decided_by == alice.user.display_name
    assert (waiting_for(alice), waiting_for(carol)) == (0, 1)


def test_a_new_price_asks_everybody_again_and_shows_both(
    alice: Membership, carol: Membership, bob: Membership, executor: CountingExecutor
) -> None:
    make_policy(alice, layers=TWO_FROM_100)
    executor.price = quote_of("100")
    approval = make_approval(bob, price=executor.price)
    decide(approval, alice)
    executor.price = quote_of("120")
    with pytest.raises(PriceChanged):
        services.approve(carol, approval_id=approval.pk, seen_digest=approval.digest)
    found = card(alice, approval)
    assert found.is_requoted
    assert found.cost
    assert found.previous_cost
    assert (str(found.previous_cost.once), str(found.cost.once)) == ("€100.00", "€120.00")
    assert (found.approvals_missing, found.may_approve) == (2, True)
    assert waiting_for(alice) == 1


@pytest.mark.parametrize(
    ("status", "words", "outcome"),
    [
        ("approved", "Approved", "Approved. It begins in a moment."),
        ("executing", "In progress", "Approved. It is being done now."),
        ("executed", "Done", "Done."),
        ("failed", "Failed", "No."),
        ("rejected", "Rejected", ""),
        ("cancelled", "Taken back", ""),
        ("expired", "Expired", ""),
    ],
)
def test_nothing_is_left_to_do_about_what_is_over(
    alice: Membership, executor: CountingExecutor, status: str, words: str, outcome: str
) -> None:
    found = card(alice, approval_in(status, alice))
    assert rights(found) == (False, False, False)
    assert (found.status_words, found.outcome, found.approvals_missing) == (words, outcome, 0)
    assert bool(found.decided_by) is (status != "expired")


def test_time_is_over_before_the_clock_says_so(
    alice: Membership, executor: CountingExecutor
) -> None:
    now = timezone.now()
    approval = make_approval(alice, now=now - timedelta(hours=25))
    found = card(alice, approval)
    assert (found.status, rights(found)) == (Status.EXPIRED, (False, False, False))
    assert found.why_not == "Nobody decided in time. Have it drafted again."
    assert waiting_for(alice) == 0


def test_an_execution_that_met_an_obstacle_says_which_and_when_it_goes_on(
    alice: Membership, executor: CountingExecutor
) -> None:
    executor.faults_before = [Away("The carrier does not answer.")]
    approval = approval_in("approved", alice)
    now = timezone.now()
    execution.execute_approval(approval.pk, now=now)
    found = cards_of(alice, [Approval.objects.get()], now=now)[0]
    assert found.status == Status.EXECUTING
    assert found.outcome.startswith("The carrier does not answer. Next try at ")
    assert found.next_try_at == now + timedelta(seconds=15)
    later = now + timedelta(seconds=20)
    execution.execute_approval(approval.pk, now=later)
    done = card(alice, approval)
    assert (done.status, done.next_try_at) == (Status.EXECUTED, None)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (
            {
                "order_id": "x",
                "status": "completed",
                "numbers": [{"number": "+31201234567", "status": "active"}],
            },
            "Done: +31 20 123 4567 (active).",
        ),
        ({"numbers": ["+31201234567"] * 7}, "Done: " + "+31 20 123 4567, " * 5 + "2 more."),
        ({"number": "+31201234567", "status": "in_use"}, "Done: +31 20 123 4567, in use."),
        ({"messages": 8, "status": "queued"}, "Done: 8 messages, queued."),
        (
            {"revision": 7, "status": "published", "numbers": ["+31201234567"]},
            "Done: revision 7, published.",
        ),
        ({"numbers": "all of them"}, "Done."),
    ],
)
def test_an_outcome_is_told_in_words(
    alice: Membership, executor: CountingExecutor, outcome: dict[str, object], words: str
) -> None:
    executor.deeds = {}
    approval = approval_in("approved", alice)
    executor.deeds[approval.idempotency_key] = outcome
    execution.execute_approval(approval.pk)
    assert card(alice, approval).outcome == words


def test_the_last_word_reaches_the_card(alice: Membership, executor: CountingExecutor) -> None:
    approval = make_approval(alice)
    services.reject(alice, approval_id=approval.pk, comment="Too dear.")
    found = card(alice, approval)
    assert (found.comment, found.decided_by) == ("Too dear.", alice.user.display_name)
    assert found.decided_at == Decision.objects.get().at


def test_what_nothing_executes_is_shown_and_not_decided(alice: Membership) -> None:
    found = card(alice, make_approval(alice, action="from_the_future"))
    assert (found.action_words, rights(found)) == ("From the future", (False, False, False))
    assert found.why_not


def test_only_deciders_are_told_that_something_waits(
    alice: Membership, bob: Membership, mallory: Membership, executor: CountingExecutor
) -> None:
    make_approval(bob)
    make_approval(alice)
    approval_in("rejected", alice)
    assert [waiting_for(one) for one in (alice, bob, mallory)] == [2, 0, 0]


def test_a_neighbours_approval_makes_no_card(
    alice: Membership, mallory: Membership, executor: CountingExecutor
) -> None:
    with pytest.raises(ValueError, match="another tenant"):
        cards_of(mallory, [make_approval(alice)])


@pytest.mark.parametrize("count", [1, 50])
def test_fifty_cards_cost_what_one_does(
    alice: Membership,
    carol: Membership,
    executor: CountingExecutor,
    django_assert_num_queries: DjangoAssertNumQueries,
    count: int,
) -> None:
    for number in range(count):
        approval = make_approval(
            (alice, carol)[number % 2], action=(ACTION, "release_number")[number % 2]
        )
        decide(approval, alice)
    rows = list(Approval.objects.for_tenant(alice.tenant).newest_first())
    with django_assert_num_queries(4):
        assert len(cards_of(alice, rows)) == count
    with django_assert_num_queries(1):
        waiting_for(alice)
