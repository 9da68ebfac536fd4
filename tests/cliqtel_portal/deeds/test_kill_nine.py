"""`kill -9` of a real worker at each step of a deed; then the scans, as after a restart."""

from __future__ import annotations

import signal
from decimal import Decimal

import pytest
from django.utils import timezone

from approvals.models import Approval
from approvals.services import approve
from audit.models import ToolCall
from cliqtel_portal.billing.models import LedgerEntry
from cliqtel_portal.carriers import services as carriers
from cliqtel_portal.carriers.models import CarrierOperation, SandboxNumber, SandboxRequest
from cliqtel_portal.deeds.purchase_number import draft_order
from cliqtel_portal.deeds.requester import Requester
from cliqtel_portal.messaging.models import Message
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.order_models import NumberOrder
from tests.factories.audit import make_call, ok
from tests.factories.billing import LedgerEntryFactory
from tests.factories.carriers import SandboxFaultFactory
from tests.factories.mcp_access import EVERY_SCOPE, make_token
from tests.factories.messaging import MessageFactory
from tests.factories.numbers import StockNumberFactory
from tests.factories.pricing import PriceFactory

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

APPROVALS = "approvals.execution"
CARRIERS = "cliqtel_portal.carriers.execution"
ORDERS = "cliqtel_portal.numbers.services.orders"
OUTCOME = "cliqtel_portal.numbers.services.order_outcomes:OrderOutcome"
SANDBOX = "cliqtel_portal.carriers.backends.sandbox:SandboxCarrier"

# In the order in which a purchase comes by. Some are in the middle of a transaction.
POINTS = [
    (f"{APPROVALS}:claim_for_execution", "before"),
    (f"{APPROVALS}:claim_for_execution", "after"),
    (f"{APPROVALS}:_mark_begun", "after"),
    (f"{ORDERS}:_charge", "after"),
    (f"{ORDERS}:place_order", "after"),
    (f"{CARRIERS}:claim", "after"),
    (f"{SANDBOX}._move_numbers", "after"),
    (f"{SANDBOX}.order_numbers", "after"),
    (f"{OUTCOME}.done", "after"),
    (f"{CARRIERS}:_succeed", "after"),
    (f"{APPROVALS}:_succeed", "before"),
    (f"{APPROVALS}:_succeed", "after"),
]


@pytest.fixture
def approval(alice, lost_messages) -> Approval:
    """An AI host's draft of one number, approved."""
    PriceFactory(setup=1, monthly=2)
    LedgerEntryFactory(tenant=alice.tenant, amount=100)
    token, _ = make_token(alice, scopes=EVERY_SCOPE)
    call = make_call(
        tenant_id=alice.tenant_id,
        token_id=token.pk,
        scope_required="mcp.orders.draft",
        outcome=ok(),
    )
    requester = Requester(tenant=alice.tenant, user=alice.user, token_id=token.pk, call_id=call.pk)
    drafted = draft_order(requester, numbers=[StockNumberFactory().e164]).approval
    return approve(alice, approval_id=drafted.pk, seen_digest=drafted.digest).approval


def the_number_is_bought_once(approval: Approval) -> None:
    order = NumberOrder.objects.get()
    number = PhoneNumber.objects.get(tenant=approval.tenant)
    assert (approval.status, order.state, number.status) == ("executed", "completed", "active")
    assert approval.outcome == {
        "order_id": str(order.pk),
        "status": "completed",
        "numbers": [{"number": number.e164, "status": "active"}],
    }
    operation = CarrierOperation.objects.get()
    request = SandboxRequest.objects.get()
    assert (operation.state, operation.is_uncertain) == ("done", False)
    assert (request.state, request.reference) == ("done", operation.carrier_reference)
    assert SandboxNumber.objects.get().number == number.e164
    charged = LedgerEntry.objects.filter(amount__lt=0).values_list("kind", "amount")
    assert sorted(charged) == [("number_monthly", Decimal(-2)), ("number_setup", Decimal(-1))]
    assert not LedgerEntry.objects.filter(kind="refund").exists()


@pytest.mark.parametrize(("point", "when"), POINTS, ids=[f"{when} {at}" for at, when in POINTS])
def test_a_purchase_is_done_once_wherever_its_worker_was_killed(
    approval, kill, restart, point, when
):
    died = kill("approvals.execution.execute_approval", approval.pk, point, when)
    assert died == -signal.SIGKILL
    restart(lambda: Approval.objects.filter(status="executed").exists())
    approval.refresh_from_db()
    the_number_is_bought_once(approval)
    attempts = ToolCall.objects.filter(parent_id=approval.call_id, tool="purchase_number")
    assert attempts.filter(status="ok").exists()


def test_workers_that_die_one_after_another_do_it_once(approval, kill, restart):
    for point, when in POINTS[:-1]:
        # More deaths than it is given attempts.
        Approval.objects.filter(status="executing").update(due_at=timezone.now(), attempts=1)
        CarrierOperation.objects.filter(state="pending").update(due_at=timezone.now())
        died = kill("approvals.execution.execute_approval", approval.pk, point, when)
        assert died == -signal.SIGKILL, f"it did not come by {point}"
    restart(lambda: Approval.objects.filter(status="executed").exists())
    approval.refresh_from_db()
    the_number_is_bought_once(approval)


def test_a_carrier_that_did_it_and_timed_out_did_it_once(approval, kill, restart):
    SandboxFaultFactory(fault="timeout_after")
    assert kill("approvals.execution.execute_approval", approval.pk) == 0
    approval.refresh_from_db()
    assert (approval.status, SandboxRequest.objects.count()) == ("executing", 1)
    restart(lambda: Approval.objects.filter(status="executed").exists())
    approval.refresh_from_db()
    the_number_is_bought_once(approval)


@pytest.mark.parametrize(
    ("point", "when"),
    [(f"{SANDBOX}.send_message", "after"), (f"{CARRIERS}:_succeed", "before")],
    ids=["sent, no answer", "answer lost"],
)
def test_a_message_is_sent_once(acme, kill, lost_messages, restart, point, when):
    message = MessageFactory(tenant=acme, status="queued")
    operation = carriers.enqueue(
        acme,
        kind="send_message",
        idempotency_key=f"message:{message.pk}",
        payload={"message_id": str(message.pk)},
    )
    died = kill("cliqtel_portal.carriers.execution.perform", operation.pk, point, when)
    assert died == -signal.SIGKILL
    assert Message.objects.get().status == "queued"
    restart(lambda: Message.objects.exclude(status="queued").exists())
    operation.refresh_from_db()
    request = SandboxRequest.objects.get()
    assert (operation.state, operation.carrier_reference) == ("done", request.reference)
    assert Message.objects.get().carrier_reference.endswith(request.reference)
