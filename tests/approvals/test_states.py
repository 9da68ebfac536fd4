"""Every pair of statuses, in the table, in the queryset and in the trigger."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from approvals.models import Approval, Decision
from approvals.states import FINAL, TRANSITIONS, Status, is_allowed
from tests.factories.approvals import approval_in, decide, make_approval, values_for

ALLOWED = {
    ("pending", "approved"),
    ("pending", "rejected"),
    ("pending", "expired"),
    ("pending", "cancelled"),
    ("approved", "executing"),
    ("executing", "executed"),
    ("executing", "failed"),
}
PAIRS = [(source.value, target.value) for source in Status for target in Status]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_pair_is_allowed_exactly_where_the_design_says(source, target):
    assert is_allowed(source, target) == ((source, target) in ALLOWED)


def test_the_table_covers_every_status():
    assert set(TRANSITIONS) == set(Status)
    assert {"rejected", "expired", "cancelled", "executed", "failed"} == FINAL


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_the_queryset_moves_only_along_the_table(alice, source, target):
    approval = approval_in(source, alice)
    if source == "pending" and target in {"approved", "rejected"}:
        decide(approval, alice, "approve" if target == "approved" else "reject")
    now = approval.decided_at or timezone.now()
    row = Approval.objects.filter(pk=approval.pk)
    moved = row.transition(Status(target), **values_for(target, now))
    assert moved == ((source, target) in ALLOWED)
    assert row.get().status == (target if moved else source)


@pytest.mark.parametrize(
    ("source", "target"),
    [pair for pair in PAIRS if pair not in ALLOWED and pair[0] != pair[1]],
)
def test_the_database_refuses_every_other_way(alice, source, target):
    approval = approval_in(source, alice)
    row = Approval.objects.filter(pk=approval.pk)
    values = values_for(target, approval.decided_at or timezone.now())
    values["decided_at"] = approval.decided_at or values["decided_at"]
    with pytest.raises(IntegrityError, match=r"no way|is over"), transaction.atomic():
        row.update(status=target, **values)
    assert row.get().status == source


@pytest.mark.parametrize("status", [status for status in Status if status != "pending"])
def test_nothing_begins_decided(alice, status):
    with pytest.raises(IntegrityError, match="begins pending"), transaction.atomic():
        make_approval(alice, status=status, **values_for(status, timezone.now()))


@pytest.mark.parametrize("status", Status)
def test_a_status_without_its_timestamps_is_refused(alice, status):
    approval = approval_in(status, alice)
    wrong = {"decided_at": timezone.now()} if status == "pending" else {"decided_at": None}
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(**wrong)


@pytest.mark.parametrize(
    ("target", "reason"), [("approved", "nobody approved"), ("rejected", "nobody rejected")]
)
def test_no_verdict_stands_without_a_decision(alice, target, reason):
    approval = make_approval(alice)
    with pytest.raises(IntegrityError, match=reason), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).transition(
            Status(target), **values_for(target, timezone.now())
        )


@pytest.mark.parametrize("wrong", [{"digest_seen": "0" * 64}, {"round": 7}, {"verdict": "reject"}])
def test_a_decision_on_something_else_approves_nothing(alice, wrong):
    approval = make_approval(alice)
    values = {"digest_seen": approval.digest, "round": 1, "verdict": "approve", **wrong}
    Decision.objects.create(approval=approval, user=alice.user, **values)
    with pytest.raises(IntegrityError, match="nobody approved"), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).transition(
            Status.APPROVED, **values_for("approved", timezone.now())
        )


@pytest.mark.parametrize(
    "change",
    [
        {"arguments": {"numbers": ["+31600000000"]}},
        {"action": "release_number"},
        {"title": "Harmless"},
        {"reason_text": "other"},
        {"expires_at": timezone.now()},
        {"token_id": "019a0000-0000-7000-8000-000000000000"},
    ],
)
def test_what_was_asked_for_never_changes(alice, change):
    approval = make_approval(alice)
    with pytest.raises(IntegrityError, match="is frozen"), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(**change)


@pytest.mark.parametrize("status", ["approved", "executing"])
@pytest.mark.parametrize("change", [{"amount": 0, "quote": None, "round": 2}, {"digest": "0" * 64}])
def test_a_decided_price_never_changes(alice, status, change):
    approval = approval_in(status, alice)
    with pytest.raises(IntegrityError, match="price is frozen"), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(**change)


@pytest.mark.parametrize("status", Status)
def test_no_approval_is_deleted(alice, status):
    approval = approval_in(status, alice)
    with pytest.raises(IntegrityError, match=r"never deleted"), transaction.atomic():
        Approval.objects.filter(pk=approval.pk)._raw_delete("default")
    assert Approval.objects.filter(pk=approval.pk).exists()


def test_decisions_are_append_only(alice):
    decision = decide(make_approval(alice), alice)
    row = Decision.objects.filter(pk=decision.pk)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        row.update(comment="never said")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        row.delete()
    assert row.get().comment == ""


def test_a_person_decides_once_a_round(alice):
    approval = make_approval(alice)
    decide(approval, alice)
    with pytest.raises(IntegrityError, match="once_a_round"), transaction.atomic():
        decide(approval, alice)
