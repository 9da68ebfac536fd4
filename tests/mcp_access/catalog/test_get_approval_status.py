from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from approvals.models import Approval
from approvals.services import cancel, reject
from cliqtel_portal.errors import NotFound
from cliqtel_portal.ids import uuid7
from mcp_access.pipeline import execute_tool_call_sync
from tests.factories.approvals import approval_in, decide, make_approval, quote_of
from tests.factories.mcp_access import principal_of


def ask(membership, approval_id):
    arguments = {"approval_id": str(approval_id)}
    return execute_tool_call_sync(principal_of(membership), "get_approval_status", arguments)


def test_a_pending_one_says_where_a_person_decides(alice, bob):
    approval = make_approval(alice, price=quote_of("1.50", "2"))
    answer = ask(bob, approval.pk)
    assert answer.result.status == "pending"
    assert answer.result.approval_url == f"http://127.0.0.1:8000/approvals/{approval.pk}/"
    assert answer.result.cost.model_dump() == {"once": "1.50", "monthly": "2.00", "currency": "EUR"}
    assert (answer.result.decided_at, answer.result.comment) == (None, None)
    assert answer.result.approval_url in answer.text


def test_a_rejection_brings_the_persons_words(alice, bob, executor):
    approval = make_approval(bob)
    reject(alice, approval_id=approval.pk, comment="Use the Berlin number <b>instead</b>.")
    answer = ask(bob, approval.pk)
    assert answer.result.status == "rejected"
    assert answer.result.comment == "Use the Berlin number <b>instead</b>."
    assert answer.result.decided_by == alice.user.display_name
    assert answer.result.decided_at
    assert "Berlin" in answer.text


@pytest.mark.parametrize(
    "status", ["approved", "executing", "executed", "cancelled", "expired", "failed"]
)
def test_every_status_is_told_with_what_belongs_to_it(alice, status):
    answer = ask(alice, approval_in(status, alice).pk)
    result = answer.result
    assert result.status == status
    assert (result.outcome == {"ok": 1}) is (status == "executed")
    assert (result.reason_code == "number_unavailable") is (status == "failed")
    assert (result.reason == "No.") is (status == "failed")
    assert bool(result.next_try_at) is (status == "executing")


def test_who_agreed_is_not_taken_for_who_ended_it(alice, bob, executor):
    late = timezone.now() - timedelta(hours=25)
    expired, cancelled = make_approval(bob, now=late), make_approval(bob)
    for approval in (expired, cancelled):
        decide(approval, alice, "approve")  # one of two who have to
    cancel(bob, approval_id=cancelled.pk)
    done = approval_in("executed", alice)
    alices, bobs = alice.user.display_name, bob.user.display_name
    for approval, decided_by, words in (
        (expired, None, "expired."),
        (cancelled, bobs, f"cancelled by {bobs}."),
        (done, alices, f"executed, approved by {alices}."),
    ):
        answer = ask(bob, approval.pk)
        assert answer.result.decided_by == decided_by
        assert answer.text.endswith(f": {words}")


def test_time_that_ran_out_is_told_before_the_clock_says_so(alice):
    approval = make_approval(alice, now=timezone.now() - timedelta(hours=25))
    assert Approval.objects.get().status == "pending"
    assert ask(alice, approval.pk).result.status == "expired"


def test_an_unknown_and_a_neighbours_approval_are_the_same(alice, mallory):
    approval = make_approval(alice)
    told = []
    for wanted in (approval.pk, uuid7()):
        with pytest.raises(NotFound) as caught:
            ask(mallory, wanted)
        told.append(caught.value.message)
    assert told[0] == told[1]
