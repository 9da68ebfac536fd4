from __future__ import annotations

import uuid

import pytest

from approvals.models import Approval
from approvals.services import approve, reject
from audit.models import ToolCall
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here
from cliqtel_portal.accounts.permissions import scopes_of_role
from cliqtel_portal.errors import PortalError
from cliqtel_portal.numbers.models import PhoneNumber, Reservation
from mcp_access.pipeline import execute_tool_call_sync
from tests.factories.billing import LedgerEntryFactory
from tests.factories.mcp_access import EVERY_SCOPE, principal_of
from tests.factories.numbers import StockNumberFactory
from tests.factories.pricing import PriceFactory


@pytest.fixture(autouse=True)
def world(acme):
    PriceFactory(setup=1, monthly=2)
    LedgerEntryFactory(tenant=acme, amount=100)


@pytest.fixture
def principal(alice):
    return principal_of(alice, scopes=EVERY_SCOPE)


def call(principal, tool="purchase_number", **arguments):
    values = {"idempotency_key": str(uuid.uuid4()), **arguments}
    return execute_tool_call_sync(principal, tool, values).result


def drafted(principal):
    stock = StockNumberFactory()
    return call(principal, "draft_order_number", numbers=[stock.e164])


def test_numbers_without_a_draft_ask_a_person_too(
    principal, alice, django_capture_on_commit_callbacks
):
    stock = StockNumberFactory()
    result = call(principal, numbers=[stock.e164])
    assert (result.status, result.cost.once) == ("pending_approval", "1.00")
    assert not PhoneNumber.objects.exists()
    approval = Approval.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    assert PhoneNumber.objects.get().e164 == stock.e164
    executed = ToolCall.objects.get(parent_id=approval.call_id)
    assert (executed.status, executed.actor_id) == ("ok", alice.user_id)


def test_a_draft_is_bought_by_its_own_approval_only(
    principal, alice, django_capture_on_commit_callbacks
):
    draft = drafted(principal)
    waiting = call(principal, order_id=draft.order_id)
    assert (waiting.status, waiting.approval_id) == ("pending_approval", draft.approval_id)
    assert waiting.numbers == draft.numbers != []
    approval = Approval.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    bought = call(principal, order_id=draft.order_id)
    assert (bought.status, bought.outcome["status"]) == ("executed", "completed")
    assert (Approval.objects.count(), PhoneNumber.objects.count()) == (1, 1)


def test_a_rejected_draft_says_so_with_the_persons_words(principal, alice):
    draft = drafted(principal)
    reject(alice, approval_id=draft.approval_id, comment="Too dear")
    with pytest.raises(PortalError, match="Too dear") as caught:
        call(principal, order_id=draft.order_id)
    assert caught.value.code == "approval_rejected"


def test_a_dry_run_holds_nothing_and_asks_nobody(principal):
    stock = StockNumberFactory()
    result = call(principal, numbers=[stock.e164], dry_run=True)
    assert (result.status, result.dry_run, result.order_id) == ("ok", True, None)
    assert (result.cost.once, len(result.checks)) == ("1.00", 3)
    assert not Reservation.objects.exists()
    assert not Approval.objects.exists()


def test_a_dry_run_of_a_draft_tells_what_is_missing(principal, acme):
    draft = drafted(principal)
    LedgerEntryFactory(tenant=acme, amount=-99)
    result = call(principal, order_id=draft.order_id, dry_run=True)
    assert (result.dry_run, result.status) == (True, "ok")
    assert [problem.field for problem in result.problems] == ["balance"]


def test_an_order_is_named_by_its_id_or_its_numbers(principal):
    draft = drafted(principal)
    with pytest.raises(PortalError) as caught:
        call(principal, order_id=draft.order_id, numbers=["+31201230000"])
    assert [problem.field for problem in caught.value.problems] == ["numbers"]
    with pytest.raises(PortalError) as caught:
        call(principal)
    assert caught.value.code == "invalid_arguments"


def test_a_member_may_draft_and_not_buy(bob):
    principal = principal_of(bob, scopes=tuple(scopes_of_role(bob.role)))
    draft = drafted(principal)
    with pytest.raises(PortalError) as caught:
        call(principal, order_id=draft.order_id)
    assert caught.value.code == "not_permitted"


def test_a_stranger_finds_no_order_of_another(principal, mallory):
    draft = drafted(principal)
    mallory.tenant.tier = "automate"
    mallory.tenant.save()
    for order_id in (draft.order_id, str(uuid.uuid4())):
        with pytest.raises(PortalError) as caught:
            call(principal_of(mallory, scopes=EVERY_SCOPE), order_id=order_id)
        assert caught.value.code == "not_found"
    assert not Approval.objects.filter(tenant=mallory.tenant).exists()
