from __future__ import annotations

import uuid
from dataclasses import replace
from decimal import Decimal

import pytest
from django.template.loader import render_to_string

from approvals import execution
from approvals.errors import DigestMismatch
from approvals.executors import executor_of
from approvals.models import Approval
from approvals.services import approve, reject
from cliqtel_portal.billing.errors import BalanceTooLow
from cliqtel_portal.billing.services import balance
from cliqtel_portal.deeds.send_message import plan_send_message, send_or_draft
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted
from cliqtel_portal.messaging.errors import DraftWithdrawn
from cliqtel_portal.messaging.models import Message, MessageBatch
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.messaging.services import daily_allowance
from cliqtel_portal.pricing.models import Price
from tests.factories.accounts import MembershipFactory
from tests.factories.approvals import past_the_triggers
from tests.factories.billing import LedgerEntryFactory
from tests.factories.deeds import requester_of
from tests.factories.messaging import MessagingLimitFactory, OptOutFactory
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.pricing import PriceFactory

SENDER, ANNA, BEN = "+447700900100", "+447700900201", "+447700900202"
HOSTILE = 'Hi <script>alert(1)</script> " \u202e http://evil.example {{ batch.pk }}'


@pytest.fixture
def deed():
    return executor_of("send_message")


@pytest.fixture(autouse=True)
def number(acme):
    PriceFactory(country="GB", number_type="mobile", sms_out=Decimal("0.05"))
    LedgerEntryFactory(tenant=acme, amount=Decimal("10.00"))
    return PhoneNumberFactory(
        tenant=acme, e164=SENDER, country="GB", number_type="mobile", capabilities=["sms"]
    )


def send(membership, **arguments):
    values = {"from_number": SENDER, "to": [ANNA, BEN], "channel": Channel.SMS, "text": "Hello"}
    return send_or_draft(requester_of(membership), **(values | arguments))


def test_within_the_limit_it_is_sent_and_nobody_is_asked(acme, alice):
    MessagingLimitFactory(tenant=acme)
    sent = send(alice)
    assert (sent.approval, sent.batch.state) == (None, "sent")
    assert Message.objects.filter(status="queued").count() == 2
    assert not Approval.objects.exists()


def test_without_a_limit_a_person_is_asked_first(acme, alice):
    asked = send(alice, reason_text="They wait for it")
    approval = asked.approval
    assert (approval.status, approval.artifact_id) == ("pending", asked.batch.pk)
    assert approval.title == "Send an SMS to 2 people"
    assert approval.summary == "SMS from +44 7700 900100 to 2 people, for €0.10."
    assert approval.quote == {"once": "0.10", "monthly": "0.00", "currency": "EUR"}
    assert approval.reason_text == "They wait for it"
    assert asked.batch.state == "draft"
    assert not Message.objects.exists()
    assert balance(acme).amount == Decimal("10.00")


def test_beyond_the_limit_all_of_it_waits(acme, alice):
    MessagingLimitFactory(tenant=acme, messages_per_day=1)
    assert send(alice).approval is not None
    assert not Message.objects.exists()


def test_a_member_may_draft_and_never_sends_alone(acme, bob):
    MessagingLimitFactory(tenant=acme)
    assert send(bob).approval is not None
    assert not Message.objects.exists()


def test_a_viewer_and_a_stranger_get_nothing(acme, mallory):
    viewer = MembershipFactory(tenant=acme, role="viewer")
    with pytest.raises(NotPermitted):
        send(viewer)
    with pytest.raises(NotFound):
        send(mallory)
    assert not MessageBatch.objects.exists()


def test_approved_it_is_sent_once_and_beside_the_limit(acme, alice, deed):
    MessagingLimitFactory(tenant=acme, messages_per_day=1)
    approval = send(alice).approval
    assert deed.recheck(approval) == approval.price
    outcome = deed.execute(approval, approval.idempotency_key)
    assert outcome == deed.execute(approval, approval.idempotency_key)
    assert outcome["status"] == "queued"
    assert (outcome["messages"], outcome["cost"]["amount"]) == (2, "0.10")
    assert "Hello" not in str(outcome)
    assert Message.objects.count() == 2
    assert balance(acme).amount == Decimal("9.90")
    assert daily_allowance(acme).messages_left == 1


def test_a_click_sends_it(alice):
    approval = send(alice).approval
    approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    execution.execute_approval(approval.pk)
    approval.refresh_from_db()
    assert (approval.status, approval.outcome["messages"]) == ("executed", 2)
    batch = MessageBatch.objects.get()
    assert (batch.state, batch.approval_id) == ("sent", approval.pk)
    assert set(Message.objects.values_list("to_number", flat=True)) == {ANNA, BEN}


def test_a_number_lost_after_the_click_fails_it_and_sends_nothing(alice, number):
    approval = send(alice).approval
    approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    number.status = "disabled"
    number.save()
    execution.execute_approval(approval.pk)
    approval.refresh_from_db()
    assert (approval.status, approval.error_code) == ("failed", "invalid_arguments")
    assert MessageBatch.objects.get().state == "withdrawn"
    assert not Message.objects.exists()


def test_rejected_it_is_withdrawn_and_the_page_still_shows_it(acme, alice, deed):
    approval = send(alice).approval
    reject(alice, approval_id=approval.pk, comment="Not like that")
    assert MessageBatch.objects.get().state == "withdrawn"
    with pytest.raises(DraftWithdrawn):
        deed.execute(approval, approval.idempotency_key)
    approval.refresh_from_db()
    assert deed.present(approval).context["batch"].body == "Hello"
    deed.withdraw(approval)
    assert not Message.objects.exists()


def test_a_price_that_rose_since_it_was_begun_is_not_charged(acme, alice):
    """A worker died right after `begun_at`: the next one asks no recheck any more."""
    approval = send(alice).approval
    approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    claimed = execution.claim_for_execution(approval.pk)
    execution._mark_begun(claimed, claimed.decided_at)
    Price.objects.update(sms_out=Decimal("0.50"))
    execution.execute_approval(approval.pk, now=claimed.due_at)
    approval.refresh_from_db()
    assert (approval.status, approval.error_code) == ("failed", "price_changed")
    assert balance(acme).amount == Decimal("10.00")
    assert MessageBatch.objects.get().state == "withdrawn"
    assert not Message.objects.exists()


def test_a_stop_meanwhile_makes_another_price(acme, alice, deed):
    approval = send(alice).approval
    OptOutFactory(tenant=acme, peer_number=BEN)
    assert deed.recheck(approval).once == Decimal("0.05")


def test_what_stops_it_is_shown_before_the_click_and_refused_at_it(acme, alice, deed, number):
    approval = send(alice).approval
    LedgerEntryFactory(tenant=acme, amount=Decimal("-9.95"))
    with pytest.raises(BalanceTooLow):
        deed.recheck(approval)
    assert "€0.05" in deed.present(approval).missing[0]
    number.capabilities = ["voice"]
    number.save()
    with pytest.raises(InvalidArguments):
        deed.recheck(approval)
    assert "does not carry SMS" in deed.present(approval).missing[0]


def test_the_arguments_hold_no_text(alice):
    approval = send(alice, text=HOSTILE).approval
    kept = f"{approval.arguments} {approval.title} {approval.summary} {approval!r}"
    assert "evil" not in kept
    assert approval.arguments["to"] == [ANNA, BEN]
    assert len(approval.arguments["text_sha256"]) == 64


def test_another_text_than_was_shown_is_never_sent(alice, deed):
    approval = send(alice).approval
    other = send(alice, text="Another").batch
    changed = {**approval.arguments, "batch_id": str(other.pk)}
    past_the_triggers(Approval.objects.filter(pk=approval.pk), arguments=changed)
    approval.refresh_from_db()
    for work in (deed.recheck, lambda it: deed.execute(it, "k"), deed.present):
        with pytest.raises(DigestMismatch):
            work(approval)
    assert not Message.objects.exists()


def test_another_tenants_draft_is_not_found(alice, mallory, deed):
    approval = send(alice).approval
    approval.tenant = mallory.tenant
    for work in (lambda it: deed.execute(it, "k"), deed.present):
        with pytest.raises(NotFound):
            work(approval)
    deed.withdraw(approval)
    assert MessageBatch.objects.get().state == "draft"


def test_the_preview_quotes_the_text_and_says_who_wrote_it(acme, alice, deed):
    OptOutFactory(tenant=acme, peer_number="+447700900299")
    many = [f"+4477009003{n:02d}" for n in range(12)]
    hosts = replace(
        requester_of(alice),
        token_id=uuid.uuid4(),
        token_label="Ops",
        client_label="<b>Host</b>",
        call_id=uuid.uuid4(),
    )
    asked = send_or_draft(
        hosts,
        from_number=SENDER,
        to=[*many, "+447700900299"],
        channel=Channel.SMS,
        text=HOSTILE * 2,
    )
    shown = deed.present(asked.approval)
    page = render_to_string(shown.template, dict(shown.context))
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<a " not in page
    assert "{{ batch.pk }}" in page
    assert "Text from the AI host, unchecked" in page
    assert "right-to-left override" in page
    assert "UCS-2" in page
    assert page.count("<li>") == 11
    assert "and 2 more" in page
    assert any("said STOP" in sentence for sentence in shown.consequences)
    assert shown.lines[0].label == "12 SMS messages, 2 segments each"
    assert shown.missing == ()


def test_a_plan_writes_nothing(acme, alice):
    MessagingLimitFactory(tenant=acme, messages_per_day=2)
    plan = {"from_number": SENDER, "channel": Channel.SMS, "text": "Hello"}
    for to, needs_approval in (([ANNA, BEN], False), ([ANNA, BEN, "+447700900203"], True)):
        prepared, is_needed = plan_send_message(requester_of(alice), to=to, **plan)
        assert (prepared.recipients, is_needed) == (tuple(to), needs_approval)
    assert not MessageBatch.objects.exists()
