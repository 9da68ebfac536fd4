"""`kill -9` of a real worker at each step of a deed; then the scans, as after a restart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from approvals import tasks as approval_tasks
from approvals.models import Approval
from approvals.services import approve
from audit.models import ToolCall
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here, as the settings say
from cliqtel_portal.billing.models import LedgerEntry
from cliqtel_portal.carriers import services as carriers
from cliqtel_portal.carriers import tasks as carrier_tasks
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

Kill = Callable[..., int]


@pytest.fixture(scope="module")
def workers(django_db_setup: None, django_db_blocker) -> Iterator[subprocess.Popen[str]]:
    with django_db_blocker.unblock():
        target = connection.settings_dict
    dsn = (
        f"postgres://{target['USER']}:{target['PASSWORD']}@{target['HOST']}:{target['PORT']}"
        f"/{target['NAME']}"
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.cliqtel_portal.deeds.worker_to_kill"],
        env={
            **os.environ,
            "DATABASE_URL": dsn,
            "DJANGO_SETTINGS_MODULE": "cliqtel_portal.settings.test",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    yield process
    process.communicate(timeout=10)


@pytest.fixture
def kill(workers) -> Kill:
    """`kill("module.function", id, point, when)`: a worker does it until it dies; its status."""

    def run(do, identifier, point="", when="") -> int:
        job = {"do": do, "id": str(identifier), "point": point, "when": when}
        workers.stdin.write(json.dumps(job) + "\n")
        workers.stdin.flush()
        return int(workers.stdout.readline())

    return run


@pytest.fixture
def lost_messages(monkeypatch) -> None:
    """No worker hears of what is enqueued here: the one that dies is the only one."""
    for task in (approval_tasks.execute, carrier_tasks.perform):
        monkeypatch.setattr(task, "delay", lambda *args: None)


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


def restart(monkeypatch, is_settled: Callable[[], bool]) -> None:
    """The beat of a new worker, when everything that can be due is."""
    monkeypatch.undo()
    deadline = time.monotonic() + 10
    while not is_settled():
        assert time.monotonic() < deadline, "it was not taken up again"
        now = timezone.now()
        CarrierOperation.objects.filter(state="pending").update(due_at=now)
        Approval.objects.filter(status__in=["approved", "executing"]).update(due_at=now)
        carrier_tasks.recover_due()
        approval_tasks.recover_lost()


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
    approval, kill, monkeypatch, point, when
):
    died = kill("approvals.execution.execute_approval", approval.pk, point, when)
    assert died == -signal.SIGKILL
    restart(monkeypatch, lambda: Approval.objects.filter(status="executed").exists())
    approval.refresh_from_db()
    the_number_is_bought_once(approval)
    attempts = ToolCall.objects.filter(parent_id=approval.call_id, tool="purchase_number")
    assert attempts.filter(status="ok").exists()


def test_workers_that_die_one_after_another_do_it_once(approval, kill, monkeypatch):
    for point, when in POINTS[:-1]:
        # More deaths than it is given attempts.
        Approval.objects.filter(status="executing").update(due_at=timezone.now(), attempts=1)
        CarrierOperation.objects.filter(state="pending").update(due_at=timezone.now())
        died = kill("approvals.execution.execute_approval", approval.pk, point, when)
        assert died == -signal.SIGKILL, f"it did not come by {point}"
    restart(monkeypatch, lambda: Approval.objects.filter(status="executed").exists())
    approval.refresh_from_db()
    the_number_is_bought_once(approval)


def test_a_carrier_that_did_it_and_timed_out_did_it_once(approval, kill, monkeypatch):
    SandboxFaultFactory(fault="timeout_after")
    assert kill("approvals.execution.execute_approval", approval.pk) == 0
    approval.refresh_from_db()
    assert (approval.status, SandboxRequest.objects.count()) == ("executing", 1)
    restart(monkeypatch, lambda: Approval.objects.filter(status="executed").exists())
    approval.refresh_from_db()
    the_number_is_bought_once(approval)


@pytest.mark.parametrize(
    ("point", "when"),
    [(f"{SANDBOX}.send_message", "after"), (f"{CARRIERS}:_succeed", "before")],
    ids=["sent, no answer", "answer lost"],
)
def test_a_message_is_sent_once(acme, kill, lost_messages, monkeypatch, point, when):
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
    restart(monkeypatch, lambda: Message.objects.exclude(status="queued").exists())
    operation.refresh_from_db()
    request = SandboxRequest.objects.get()
    assert (operation.state, operation.carrier_reference) == ("done", request.reference)
    assert Message.objects.get().carrier_reference.endswith(request.reference)
