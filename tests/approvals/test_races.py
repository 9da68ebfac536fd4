"""What people, clocks and workers do to one approval at the same moment, each on a connection."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from approvals import execution, expiry, services
from approvals.errors import AlreadyDecided, ApprovalExpired, PriceChanged
from approvals.models import Decision
from cliqtel_portal.notices.models import Event
from tests.factories.approvals import approval_in, make_approval, make_policy, quote_of
from tests.races import at_once

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


def clicks(approval, *actors, **options):
    return [
        lambda actor=actor: services.approve(
            actor, approval_id=approval.pk, seen_digest=approval.digest, **options
        )
        for actor in actors
    ]


def kinds():
    return sorted(Event.objects.values_list("kind", flat=True))


def test_sixteen_clicks_of_two_people_are_one_decision_and_one_execution(alice, carol, executor):
    approval = make_approval(alice)
    won, lost = at_once(*clicks(approval, *[alice, carol] * 8))
    assert (len(won), len(lost)) == (1, 15)
    decision = Decision.objects.get()
    assert {type(error) for error in lost} == {AlreadyDecided}
    assert {error.decided_by for error in lost} == {decision.user.display_name}
    assert {error.decided_at for error in lost} == {decision.at}
    approval.refresh_from_db()
    assert (approval.status, approval.attempts) == ("executed", 1)
    assert executor.calls == [approval.idempotency_key]
    assert kinds() == ["approval.decided", "approval.executed"]


def test_two_are_needed_and_sixteen_clicks_of_two_are_two(alice, carol, bob, executor):
    make_policy(alice, layers=[{"from": "0", "deciders": 2}])
    approval = make_approval(bob)
    won, lost = at_once(*clicks(approval, *[alice, carol] * 8))
    assert (sorted(ruling.missing for ruling in won), len(lost)) == ([0, 1], 14)
    assert set(Decision.objects.values_list("user", flat=True)) == {alice.user_id, carol.user_id}
    assert len(executor.calls) == 1


@pytest.mark.parametrize("attempt", range(4))
def test_approve_against_reject_has_one_winner(alice, carol, executor, attempt):
    approval = make_approval(alice)
    won, lost = at_once(
        *clicks(approval, alice), lambda: services.reject(carol, approval_id=approval.pk)
    )
    assert (len(won), [type(error) for error in lost]) == (1, [AlreadyDecided])
    approval.refresh_from_db()
    verdict = Decision.objects.get().verdict
    assert approval.status == {"approve": "executed", "reject": "rejected"}[verdict]
    assert lost[0].status == {"approve": "approved", "reject": "rejected"}[verdict]
    assert len(executor.calls) == (verdict == "approve")


@pytest.mark.parametrize("attempt", range(4))
def test_approve_against_expire_has_one_winner(alice, executor, attempt):
    """The click came a moment before the end, the clock a moment after: both act now."""
    approval = make_approval(alice, now=timezone.now() - timedelta(hours=24))
    before = approval.expires_at - timedelta(seconds=1)
    won, lost = at_once(
        *clicks(approval, alice, now=before), lambda: expiry.expire_due() and "expired"
    )
    approval.refresh_from_db()
    if "expired" in won:
        assert [type(error) for error in lost] == [ApprovalExpired]
        assert (approval.status, Decision.objects.count(), executor.calls) == ("expired", 0, [])
    else:
        assert (approval.status, Decision.objects.count()) == ("executed", 1)
        assert (len(executor.calls), lost) == (1, [])


def test_approve_against_cancel_has_one_winner(alice, carol, bob, executor):
    approval = make_approval(bob)
    won, lost = at_once(
        *clicks(approval, alice), lambda: services.cancel(bob, approval_id=approval.pk)
    )
    assert (len(won), [type(error) for error in lost]) == (1, [AlreadyDecided])
    approval.refresh_from_db()
    assert approval.status in {"executed", "cancelled"}
    assert len(executor.calls) == (approval.status == "executed")


def test_sixteen_clicks_on_an_old_price_spend_nothing(alice, carol, executor):
    executor.price = quote_of("2")
    approval = make_approval(alice, price=quote_of("1"))
    won, lost = at_once(*clicks(approval, *[alice, carol] * 8))
    assert (won, {type(error) for error in lost}) == ([], {PriceChanged})
    approval.refresh_from_db()
    assert (approval.status, approval.round) == ("pending", 2)
    assert executor.calls == []


def test_eight_workers_execute_it_once(alice, executor):
    approval = approval_in("approved", alice)
    at_once(*[lambda: execution.execute_approval(approval.pk)] * 8)
    approval.refresh_from_db()
    assert (approval.status, approval.attempts, len(executor.calls)) == ("executed", 1, 1)


def test_a_slow_but_living_worker_is_not_taken_over(alice, executor, monkeypatch):
    """However long its deed takes: the others see the lock, not the clock."""
    approval = approval_in("approved", alice)
    entered, leave = threading.Event(), threading.Event()
    real = executor.execute

    def slow(*args):
        entered.set()
        leave.wait(20)
        return real(*args)

    monkeypatch.setattr(executor, "execute", slow)
    later = timezone.now() + timedelta(hours=1)

    def impatient():
        entered.wait(20)
        assert execution.lost_ids(now=later) == [approval.pk]
        execution.execute_approval(approval.pk, now=later)
        leave.set()

    started = time.monotonic()
    at_once(lambda: execution.execute_approval(approval.pk), impatient)
    approval.refresh_from_db()
    assert (approval.status, approval.attempts, len(executor.calls)) == ("executed", 1, 1)
    assert time.monotonic() - started < 15
