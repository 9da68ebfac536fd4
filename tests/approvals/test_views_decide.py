"""A decision on the page of an approval: what a click does, and what it says."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from approvals.models import Approval, Decision
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import PortalError, Problem
from tests.approvals.pages import body, click, stored, url
from tests.factories.approvals import (
    CountingExecutor,
    make_approval,
    make_policy,
    quote_of,
)

pytestmark = pytest.mark.django_db

HOSTILE = '</p><script>alert(1)</script> "onload=x \u202eignore all rules' + "W" * 200
PASSWORD = "correct horse battery"


def test_approve_runs_it_and_says_so(
    alice: Membership, executor: CountingExecutor, django_capture_on_commit_callbacks
) -> None:
    approval = make_approval(alice)
    with django_capture_on_commit_callbacks(execute=True):
        page = click(alice, approval, "approve", comment="Go ahead.")
    assert "You approved “Order a number”." in page
    assert stored(approval) == ("executed", 1)
    assert executor.calls == [approval.idempotency_key]
    decision = Decision.objects.get()
    assert (decision.comment, decision.digest_seen) == ("Go ahead.", approval.digest)
    done = body(alice, approval)
    assert "Go ahead." in done
    assert url(approval, "approve") not in done


def test_reject_keeps_the_comment_and_runs_nothing(
    alice: Membership, executor: CountingExecutor
) -> None:
    approval = make_approval(alice)
    page = click(alice, approval, "reject", comment="Too dear.")
    assert "You rejected “Order a number”. Nothing is done." in page
    assert "Too dear." in page
    assert stored(approval) == ("rejected", 1)
    assert executor.calls == []


def test_take_back_is_the_requesters(
    alice: Membership, bob: Membership, executor: CountingExecutor
) -> None:
    approval = make_approval(bob)
    click(alice, approval, "cancel")
    assert stored(approval) == ("pending", 0)
    assert url(approval, "cancel") in body(bob, approval)
    assert "You took back" in click(bob, approval, "cancel")
    assert stored(approval) == ("cancelled", 0)


@pytest.mark.parametrize("first", ["approve", "reject"])
@pytest.mark.parametrize("second", ["approve", "reject"])
def test_the_second_click_is_told_who_decided_and_when(
    alice: Membership, carol: Membership, executor: CountingExecutor, first: str, second: str
) -> None:
    approval = make_approval(alice)
    click(carol, approval, first)
    page = click(alice, approval, second)
    word = "Approved" if first == "approve" else "Rejected"
    assert f"{word} by Carol 0 s ago. Nothing was changed by you." in page
    assert Decision.objects.count() == 1


def test_the_first_of_two_is_told_that_another_has_to(
    alice: Membership, carol: Membership, bob: Membership, executor: CountingExecutor
) -> None:
    make_policy(alice, layers=[{"from": "0", "deciders": 2}])
    approval = make_approval(bob)
    assert "2 people have to agree." in body(alice, approval)
    assert "You approved it. 1 more person has to." in click(alice, approval, "approve")
    assert stored(approval) == ("pending", 1)
    assert "You have approved it." in body(alice, approval)


def test_too_late_is_told(alice: Membership, executor: CountingExecutor) -> None:
    approval = make_approval(alice, now=timezone.now() - timedelta(hours=25))
    page = body(alice, approval)
    assert url(approval, "approve") not in page
    assert "Nobody decided in time. Have it drafted again." in page
    assert "Nobody decided in time" in click(alice, approval, "approve")
    assert stored(approval) == ("pending", 0)


def test_another_price_is_shown_beside_the_old_and_needs_another_click(
    alice: Membership, executor: CountingExecutor
) -> None:
    approval = make_approval(alice, price=quote_of("10", "1"))
    executor.price = quote_of("12", "1")
    page = click(alice, approval, "approve")
    assert "The price has changed. Look at the new one, then decide again." in page
    assert "<del>€10.00</del>" in page
    assert "€12.00" in page
    assert "The price changed: it waits with the new one" in page
    assert stored(approval) == ("pending", 0)
    # The old page's button.
    stale = Approval(pk=approval.pk, digest="0" * 64)
    assert "The price has changed since you saw it." in click(alice, stale, "approve")
    assert stored(approval) == ("pending", 0)
    click(alice, approval, "approve")
    assert stored(approval) == ("approved", 1)


def test_what_can_not_be_done_now_is_told_with_all_its_reasons(
    alice: Membership, executor: CountingExecutor
) -> None:
    executor.recheck_error = PortalError(
        "Two things are missing.",
        problems=[
            Problem(field="a", message="An address."),
            Problem(field="b", message="A <passport>."),
        ],
    )
    approval = make_approval(alice)
    page = click(alice, approval, "approve", comment="my words")
    for text in ("Two things are missing.", "An address.", "A <passport>.", "my words"):
        assert text in page
    assert stored(approval) == ("pending", 0)


def test_ones_own_large_request_needs_another_person(
    alice: Membership, carol: Membership, executor: CountingExecutor
) -> None:
    executor.price = quote_of("500")
    approval = make_approval(alice, price=executor.price)
    page = body(alice, approval)
    assert "You asked for it, so another person has to approve it." in page
    assert url(approval, "approve") not in page
    click(alice, approval, "approve")
    assert stored(approval) == ("pending", 0)


def test_who_decides_alone_types_the_password(
    alice: Membership, executor: CountingExecutor, settings: Settings
) -> None:
    settings.RATELIMIT_CACHE_PREFIX = f"rl:{uuid.uuid4()}:"
    settings.RATE_LIMIT_CONFIRM_FAILURES = "2/5m"
    alice.user.set_password(PASSWORD)
    alice.user.save()
    executor.price = quote_of("500")
    approval = make_approval(alice, price=executor.price)
    assert 'type="password"' in body(alice, approval)

    assert "confirm it with your password" in click(alice, approval, "approve", comment="keep me")
    page = click(alice, approval, "approve", password="wrong", comment="keep me")
    assert "That is not your password. Nothing was decided." in page
    assert "keep me" in page
    assert "wrong" not in page.split("<main")[1]
    assert stored(approval) == ("pending", 0)

    click(alice, approval, "approve", password=PASSWORD)
    assert stored(approval) == ("approved", 1)
    assert Decision.objects.get().with_password


def test_guessing_the_password_ends_soon(
    alice: Membership, executor: CountingExecutor, settings: Settings
) -> None:
    settings.RATELIMIT_CACHE_PREFIX = f"rl:{uuid.uuid4()}:"
    settings.RATE_LIMIT_CONFIRM_FAILURES = "2/5m"
    alice.user.set_password(PASSWORD)
    alice.user.save()
    executor.price = quote_of("500")
    approval = make_approval(alice, price=executor.price)
    for _ in range(2):
        click(alice, approval, "approve", password="wrong")
    page = click(alice, approval, "approve", password=PASSWORD)
    assert "Too many wrong passwords." in page
    assert stored(approval) == ("pending", 0)
    # To reject one needs none.
    click(alice, approval, "reject")
    assert stored(approval) == ("rejected", 1)


def test_a_comment_that_is_too_long_is_kept_on_the_page(
    alice: Membership, executor: CountingExecutor
) -> None:
    approval = make_approval(alice)
    page = click(alice, approval, "reject", comment="x" * 1001)
    assert "x" * 1001 in page
    assert stored(approval) == ("pending", 0)
