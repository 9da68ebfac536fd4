from __future__ import annotations

from decimal import Decimal

import pytest

from approvals.models import Approval
from approvals.services import approve
from audit.models import ToolCall
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here
from cliqtel_portal.accounts.permissions import scopes_of_role
from cliqtel_portal.billing.services import balance
from cliqtel_portal.errors import PortalError
from cliqtel_portal.messaging.models import Message, MessageBatch
from mcp_access.pipeline import execute_tool_call_sync
from tests.factories.billing import LedgerEntryFactory
from tests.factories.mcp_access import EVERY_SCOPE, principal_of
from tests.factories.messaging import MessagingLimitFactory, OptOutFactory
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.pricing import PriceFactory

SENDER, ANNA, BEN = "+447700900100", "+447700900201", "+447700900202"
TEXT = "Your code is 4711"


@pytest.fixture(autouse=True)
def number(acme):
    PriceFactory(country="GB", number_type="mobile", sms_out=Decimal("0.05"))
    LedgerEntryFactory(tenant=acme, amount=Decimal("10.00"))
    return PhoneNumberFactory(
        tenant=acme, e164=SENDER, country="GB", number_type="mobile", capabilities=["sms"]
    )


def call(principal, **arguments):
    values = {
        "from_number": SENDER,
        "to": [ANNA],
        "text": TEXT,
        "idempotency_key": "key-12345",
        **arguments,
    }
    return execute_tool_call_sync(principal, "send_message", values)


def test_within_the_limit_it_is_sent_and_the_audit_row_holds_no_text(acme, alice):
    MessagingLimitFactory(tenant=acme)
    OptOutFactory(tenant=acme, peer_number=BEN)
    answer = call(principal_of(alice, scopes=EVERY_SCOPE), to=[ANNA, BEN, ANNA])
    result = answer.result
    assert (result.status, result.messages, result.segments) == ("sent", 1, 1)
    assert result.cost.once == "0.05"
    assert [one.model_dump() for one in result.excluded] == [
        {"number": ANNA, "reason": "duplicate"},
        {"number": BEN, "reason": "opted_out"},
    ]
    assert "4 more" in answer.text
    batch = MessageBatch.objects.get()
    assert (batch.state, batch.is_by_ai_host) == ("sent", True)
    row = ToolCall.objects.get()
    assert row.status == "ok"
    for kept in (row.arguments, row.result, answer.facts):
        assert "4711" not in str(kept)
    assert ANNA not in f"{row.result}{answer.facts}"


def test_a_repeat_with_the_same_key_sends_once(acme, alice):
    MessagingLimitFactory(tenant=acme)
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    call(principal)
    assert call(principal).result.replayed
    with pytest.raises(PortalError) as caught:
        call(principal, text="Another")
    assert caught.value.code == "idempotency_conflict"
    assert Message.objects.count() == 1


def test_beyond_the_limit_it_waits_and_an_approval_sends_it(
    acme, alice, django_capture_on_commit_callbacks
):
    MessagingLimitFactory(tenant=acme, messages_per_day=1)
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    answer = call(principal, to=[ANNA, BEN], reason="They asked")
    assert (answer.result.status, answer.result.messages) == ("pending_approval", 2)
    assert not Message.objects.exists()
    approval = Approval.objects.get()
    assert (approval.reason_text, approval.token_id) == ("They asked", principal.token_id)
    assert "4711" not in f"{approval.arguments}{approval.title}{approval.summary}"
    with django_capture_on_commit_callbacks(execute=True):
        approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    approval.refresh_from_db()
    assert (approval.status, approval.outcome["messages"]) == ("executed", 2)
    assert balance(acme).amount == Decimal("9.90")
    executed = ToolCall.objects.get(parent_id=approval.call_id)
    assert (executed.status, executed.actor_id) == ("ok", alice.user_id)
    assert "4711" not in str(executed.result)


def test_a_dry_run_counts_and_leaves_nothing(acme, alice):
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    answer = call(principal, text="ж" * 71, dry_run=True)
    assert (answer.result.encoding, answer.result.segments) == ("ucs2", 2)
    assert (answer.result.needs_approval, answer.result.cost.once) == (True, "0.10")
    MessagingLimitFactory(tenant=acme)
    assert call(principal, dry_run=True).result.needs_approval is False
    assert not MessageBatch.objects.exists()


def test_all_that_is_wrong_is_told_at_once(acme, alice):
    with pytest.raises(PortalError) as caught:
        call(
            principal_of(alice, scopes=EVERY_SCOPE),
            to=["0612345678", "x"],
            channel="whatsapp",
            template="hello",
            text="",
        )
    assert caught.value.code == "invalid_arguments"
    fields = [problem.field for problem in caught.value.problems]
    assert fields == ["from_number", "template", "to.0", "to.1"]


def test_a_member_may_not(bob):
    with pytest.raises(PortalError) as caught:
        call(principal_of(bob, scopes=tuple(scopes_of_role(bob.role))))
    assert caught.value.code == "not_permitted"
    assert not MessageBatch.objects.exists()


def test_a_stranger_does_not_find_the_number(mallory):
    MessagingLimitFactory(tenant=mallory.tenant)
    with pytest.raises(PortalError) as caught:
        call(principal_of(mallory, scopes=EVERY_SCOPE))
    assert caught.value.code == "not_found"
    assert not MessageBatch.objects.exists()
