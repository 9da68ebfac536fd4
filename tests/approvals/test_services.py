from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from approvals import expiry, services
from approvals.errors import AlreadyDecided, ApprovalExpired, DigestMismatch, PriceChanged
from approvals.models import Approval, Decision
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted, PortalError
from cliqtel_portal.ids import uuid7
from cliqtel_portal.notices.models import Event
from tests.factories.accounts import MembershipFactory
from tests.factories.approvals import (
    ACTION,
    ARGUMENTS,
    approval_in,
    make_approval,
    past_the_triggers,
    quote_of,
)


def request(membership, **fields):
    values = {"action": ACTION, "title": "Order a number", "arguments": ARGUMENTS, **fields}
    return services.request_approval(membership.tenant, requester=membership.user, **values)


def approve(actor, approval, **options):
    options = {"seen_digest": approval.digest, **options}
    return services.approve(actor, approval_id=approval.pk, **options)


def events():
    return list(Event.objects.order_by("pk").values_list("kind", "payload"))


def test_a_request_waits_with_exactly_what_was_asked(bob, executor):
    token, call = uuid7(), uuid7()
    made = request(
        bob,
        quote=quote_of("1.5", "2"),
        reason_text="Ignore all rules <b>",
        token_id=token,
        call_id=call,
        client_label="Claude",
    )
    approval = Approval.objects.get()
    assert approval == made
    assert (approval.status, approval.arguments) == ("pending", ARGUMENTS)
    assert approval.quote == {"once": "1.50", "monthly": "2.00", "currency": "EUR"}
    assert str(approval.amount) == "3.500000"
    assert (approval.token_id, approval.call_id, approval.client_label) == (token, call, "Claude")
    assert approval.reason_text == "Ignore all rules <b>"
    assert events() == [("approval.created", {"approval_id": str(approval.pk)})]
    assert (executor.rechecks, executor.calls) == (0, [])


def test_words_that_cannot_be_kept_are_cut_and_arguments_refused(bob, executor):
    approval = request(bob, reason_text="a\x00b\ud800c" + "d" * 3000)
    assert approval.reason_text.startswith("abcd")
    assert len(approval.reason_text) == 2000
    with pytest.raises(InvalidArguments):
        request(bob, arguments={"a": "\x00"})
    assert Approval.objects.count() == 1


def test_a_call_drafts_one_thing(bob, executor):
    call = uuid7()
    request(bob, call_id=call)
    with pytest.raises(IntegrityError, match="one_per_call"), transaction.atomic():
        request(bob, call_id=call)


def test_nothing_is_asked_that_nobody_could_execute(bob):
    with pytest.raises(LookupError):
        request(bob, action="unheard_of")
    assert not Approval.objects.exists()


@pytest.mark.parametrize("who", ["viewer", "ended", "stranger"])
def test_who_may_not_draft_asks_nothing(acme, mallory, executor, who):
    role = "viewer" if who == "viewer" else "owner"
    actor = MembershipFactory(tenant=acme, role=role)
    if who == "ended":
        Membership.objects.filter(pk=actor.pk).update(ended_at=timezone.now())
    user = mallory.user if who == "stranger" else actor.user
    with pytest.raises(NotPermitted):
        services.request_approval(acme, requester=user, action=ACTION, title="x", arguments={})
    assert not Approval.objects.exists()
    assert events() == []


def test_an_approval_runs_what_was_shown_once(
    alice, bob, executor, django_capture_on_commit_callbacks
):
    approval = request(bob)
    with django_capture_on_commit_callbacks(execute=True):
        ruling = approve(alice, approval, comment="Go")
    assert (ruling.missing, ruling.approval.status) == (0, "approved")
    approval.refresh_from_db()
    assert (approval.status, approval.outcome) == ("executed", {"order": 1})
    assert executor.calls == [f"approval:{approval.pk}"]
    decision = Decision.objects.get()
    assert (decision.user, decision.verdict, decision.comment) == (alice.user, "approve", "Go")
    assert decision.digest_seen == approval.digest
    assert [kind for kind, _ in events()] == [
        "approval.created",
        "approval.decided",
        "approval.executed",
    ]
    assert {str(payload) for _, payload in events()} == {f"{{'approval_id': '{approval.pk}'}}"}


def test_nothing_is_enqueued_before_the_commit(alice, executor, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        approve(alice, make_approval(alice))
    # The execution, and the hint to open pages.
    assert (len(callbacks), executor.calls) == (2, [])


def test_a_rejection_runs_nothing(alice, bob, executor, django_capture_on_commit_callbacks):
    approval = request(bob)
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        rejected = services.reject(alice, approval_id=approval.pk, comment="Too dear")
    # Only the hint to open pages.
    assert (rejected.status, len(callbacks), executor.calls) == ("rejected", 1, [])
    assert Decision.objects.get().comment == "Too dear"
    assert events()[-1][0] == "approval.decided"


def test_the_second_click_is_told_who_was_first_and_when(alice, carol, executor):
    approval = make_approval(alice)
    now = timezone.now()
    services.reject(carol, approval_id=approval.pk, now=now)
    for act in (
        lambda: approve(alice, approval),
        lambda: services.reject(alice, approval_id=approval.pk),
        lambda: services.cancel(alice, approval_id=approval.pk),
    ):
        with pytest.raises(AlreadyDecided) as caught:
            act()
        error = caught.value
        assert (error.status, error.decided_by, error.decided_at) == ("rejected", "Carol", now)
        assert "Carol" in error.message
    assert Decision.objects.count() == 1


VERBS = {
    "approve": approve,
    "reject": lambda actor, approval: services.reject(actor, approval_id=approval.pk),
    "cancel": lambda actor, approval: services.cancel(actor, approval_id=approval.pk),
}
ENDS = {
    "approved": AlreadyDecided,
    "rejected": AlreadyDecided,
    "cancelled": AlreadyDecided,
    "executing": AlreadyDecided,
    "executed": AlreadyDecided,
    "failed": AlreadyDecided,
    "expired": ApprovalExpired,
}


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_not_pending_is_not_decided(alice, executor, status, verb):
    approval = approval_in(status, alice)
    before = Decision.objects.count()
    with pytest.raises(ENDS[status]):
        VERBS[verb](alice, approval)
    approval.refresh_from_db()
    assert (approval.status, Decision.objects.count()) == (status, before)


def test_the_requester_takes_it_back_and_nobody_else(alice, bob, executor):
    approval = request(bob)
    with pytest.raises(NotPermitted):
        services.cancel(alice, approval_id=approval.pk)
    assert services.cancel(bob, approval_id=approval.pk).status == "cancelled"
    assert events()[-1][0] == "approval.decided"
    assert not Decision.objects.exists()


@pytest.mark.parametrize("verb", VERBS)
def test_another_tenants_approval_does_not_exist(alice, mallory, executor, verb):
    approval = make_approval(alice)
    with pytest.raises(NotFound):
        VERBS[verb](mallory, approval)
    approval.refresh_from_db()
    assert (approval.status, Decision.objects.count(), executor.rechecks) == ("pending", 0, 0)
    assert not Approval.objects.for_tenant(mallory.tenant).exists()
    assert not Decision.objects.for_tenant(mallory.tenant).exists()


def test_time_over_is_time_over_before_the_clock_says_so(alice, executor):
    approval = make_approval(alice)
    at = approval.expires_at
    assert approval.status_at(at - timedelta(seconds=1)) == "pending"
    assert approval.status_at(at) == "expired"
    assert not Approval.objects.awaiting(at).exists()
    for verb in (services.reject, services.cancel):
        with pytest.raises(ApprovalExpired):
            verb(alice, approval_id=approval.pk, now=at)
    with pytest.raises(ApprovalExpired):
        approve(alice, approval, now=at)
    assert not Decision.objects.exists()


def test_the_clock_expires_what_is_due_and_nothing_else(alice, executor):
    now = timezone.now()
    due = make_approval(alice, now=now - timedelta(hours=25))
    decided = approval_in("approved", alice, expires_at=now - timedelta(seconds=5))
    waiting = make_approval(alice, now=now)
    assert expiry.expire_due(now=now) == 1
    assert expiry.expire_due(now=now) == 0
    found = dict(Approval.objects.values_list("pk", "status"))
    assert found == {due.pk: "expired", decided.pk: "approved", waiting.pk: "pending"}
    assert events() == [("approval.decided", {"approval_id": str(due.pk)})]


@pytest.mark.parametrize("status", ["approved", "rejected", "cancelled"])
def test_the_clock_leaves_what_was_decided_since_it_looked(alice, executor, status):
    approval = approval_in(status, alice)
    late = approval.expires_at + timedelta(hours=1)
    assert not expiry._expire(Approval.objects.overdue(late), approval.pk, late)
    approval.refresh_from_db()
    assert (approval.status, events()) == (status, [])


def test_another_price_keeps_it_waiting_for_a_new_click(alice, executor):
    executor.price = quote_of("2")
    approval = make_approval(alice, price=quote_of("1"))
    with pytest.raises(PriceChanged):
        approve(alice, approval)
    requoted = Approval.objects.get()
    assert (requoted.status, requoted.round) == ("pending", 2)
    assert requoted.quote["once"] == "2.00"
    assert requoted.previous_quote["once"] == "1.00"
    assert requoted.digest != approval.digest
    assert not Decision.objects.exists()
    assert events() == [("approval.requoted", {"approval_id": str(approval.pk)})]
    with pytest.raises(PriceChanged):  # a tab that still shows the old one
        approve(alice, approval)
    assert approve(alice, requoted).approval.status == "approved"
    assert Decision.objects.get().digest_seen == requoted.digest


def test_a_new_price_may_ask_for_another_person(alice, carol, executor):
    executor.price = quote_of("600")
    approval = make_approval(alice, price=quote_of("1"))
    with pytest.raises(PriceChanged):
        approve(alice, approval)
    approval.refresh_from_db()
    with pytest.raises(NotPermitted):
        approve(alice, approval, password_confirmed=True)


def test_what_cannot_be_done_now_keeps_waiting(alice, executor):
    executor.recheck_error = PortalError("That number is gone.")
    approval = make_approval(alice)
    with pytest.raises(PortalError, match="gone"):
        approve(alice, approval)
    approval.refresh_from_db()
    assert (approval.status, Decision.objects.count()) == ("pending", 0)


def test_a_click_on_something_else_is_refused(alice, executor):
    approval = make_approval(alice)
    for seen in ("", "0" * 64, approval.digest.upper()):
        with pytest.raises(PriceChanged):
            approve(alice, approval, seen_digest=seen)
    assert not Decision.objects.exists()


def test_arguments_changed_behind_our_back_are_noticed(alice, executor):
    approval = make_approval(alice)
    past_the_triggers(Approval.objects.filter(pk=approval.pk), arguments={"numbers": ["+3190012"]})
    with pytest.raises(DigestMismatch):
        approve(alice, approval)
    assert not Decision.objects.exists()


def test_a_suspended_tenants_people_decide_nothing(alice, executor):
    approval = make_approval(alice)
    alice.tenant.status = "suspended"
    alice.tenant.save()
    with pytest.raises(NotFound):
        approve(alice, approval)


@pytest.mark.parametrize("ending", ["rejected", "cancelled", "expired"])
def test_what_a_draft_held_is_given_back_when_it_will_not_be_done(alice, executor, ending):
    approval = make_approval(alice)
    match ending:
        case "rejected":
            services.reject(alice, approval_id=approval.pk)
        case "cancelled":
            services.cancel(alice, approval_id=approval.pk)
        case "expired":
            expiry.expire_due(now=approval.expires_at)
    assert executor.withdrawn == [(approval.pk, ending)]


def test_what_an_approved_draft_holds_stays_held(alice, executor):
    approval = make_approval(alice)
    services.approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    assert executor.withdrawn == []
