from __future__ import annotations

import pytest

from approvals import execution
from approvals.models import Approval
from approvals.services import approve, reject
from audit.models import ToolCall
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here
from cliqtel_portal.errors import PortalError
from cliqtel_portal.numbers.models import PhoneNumber, Reservation
from cliqtel_portal.numbers.order_models import NumberOrder
from mcp_access.models import AccessToken
from mcp_access.pipeline import execute_tool_call_sync
from tests.factories.billing import LedgerEntryFactory
from tests.factories.mcp_access import DISCOVER, EVERY_SCOPE, principal_of
from tests.factories.numbers import OfferFactory, StockNumberFactory
from tests.factories.pricing import PriceFactory
from tests.factories.regulatory import RequirementFactory, RequirementSetFactory
from tests.factories.trunks import TrunkFactory


@pytest.fixture(autouse=True)
def world(acme):
    PriceFactory(setup=1, monthly=2)
    LedgerEntryFactory(tenant=acme, amount=100)


@pytest.fixture
def principal(bob):
    """A member: the role that drafts and never buys."""
    return principal_of(bob, scopes=(*DISCOVER, "mcp.orders.draft"))


def call(principal, *stock, **arguments):
    values = {"numbers": [number.e164 for number in stock], **arguments}
    return execute_tool_call_sync(principal, "draft_order_number", values)


def test_a_draft_is_a_pending_approval_with_cost_and_checks(principal, alice):
    stock = StockNumberFactory()
    trunk = TrunkFactory(tenant=alice.tenant)
    answer = call(principal, stock, assign_to_trunk_id=str(trunk.pk), reason="New shop")
    approval, order = Approval.objects.get(), NumberOrder.objects.get()
    result = answer.result
    assert (result.status, result.approval_id) == ("pending_approval", str(approval.pk))
    assert (result.order_id, result.expires_at) == (str(order.pk), result.held_until)
    assert result.cost.model_dump() == {"once": "1.00", "monthly": "2.00", "currency": "EUR"}
    assert result.numbers[0].model_dump() == {
        "number": stock.e164,
        "once": "1.00",
        "monthly": "2.00",
    }
    assert [(check.name, check.ok) for check in result.checks] == [
        ("stock", True),
        ("requirements", True),
        ("balance", True),
    ]
    assert (result.problems, approval.reason_text, order.trunk) == ([], "New shop", trunk)
    assert not PhoneNumber.objects.exists()
    assert stock.e164 not in str(ToolCall.objects.get().result)


def test_approved_by_a_person_the_number_is_there(
    principal, alice, django_capture_on_commit_callbacks
):
    call(principal, StockNumberFactory())
    approval = Approval.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    status = execute_tool_call_sync(
        principal, "get_approval_status", {"approval_id": str(approval.pk)}
    ).result
    assert (status.status, status.outcome["status"]) == ("executed", "completed")
    assert PhoneNumber.objects.get().status == "active"


def test_what_is_missing_is_told_and_the_draft_waits(principal):
    RequirementFactory(requirement_set=RequirementSetFactory(), name="Identity")
    answer = call(principal, StockNumberFactory(requires_documents=True))
    assert answer.result.status == "pending_approval"
    assert "Identity" in answer.result.problems[0].message
    assert answer.text.endswith("1 thing is missing before it can be approved: see problems.")


def test_numbers_that_cannot_be_had_are_all_told_and_nothing_is_left(principal):
    with pytest.raises(PortalError) as caught:
        call(principal, StockNumberFactory(status="sold"), StockNumberFactory(status="reserved"))
    assert caught.value.code == "number_unavailable"
    assert [problem.field for problem in caught.value.problems] == ["numbers.0", "numbers.1"]
    assert not Reservation.objects.exists()
    assert ToolCall.objects.get().error_code == "number_unavailable"


def test_numbers_are_taken_as_people_write_them(principal):
    stock = StockNumberFactory(e164="+31201230009")
    answer = call(principal, numbers=["+31 (0)20 123 0009"])
    assert answer.result.numbers[0].number == stock.e164
    with pytest.raises(PortalError) as caught:
        call(principal, numbers=["nonsense"])
    assert caught.value.problems[0].field == "numbers.0"


def test_a_repeat_with_the_same_key_drafts_once(principal):
    stock = StockNumberFactory()
    first = call(principal, stock, idempotency_key="key-12345")
    again = call(principal, stock, idempotency_key="key-12345")
    assert (again.result.replayed, again.result.order_id) == (True, first.result.order_id)
    assert (NumberOrder.objects.count(), Approval.objects.count()) == (1, 1)


def test_an_offer_of_another_tenant_is_no_offer(principal, mallory):
    foreign = OfferFactory(tenant=mallory.tenant)
    with pytest.raises(PortalError) as caught:
        call(principal, offer_ids=[str(foreign.pk)])
    assert caught.value.code == "number_unavailable"
    assert not Approval.objects.exists()


def test_a_stranger_does_not_order_to_the_trunk_of_another(mallory, acme):
    mallory.tenant.tier = "automate"
    mallory.tenant.save()
    trunk = TrunkFactory(tenant=acme)
    with pytest.raises(PortalError) as caught:
        call(
            principal_of(mallory, scopes=EVERY_SCOPE),
            StockNumberFactory(),
            assign_to_trunk_id=str(trunk.pk),
        )
    assert caught.value.code == "not_found"
    assert not NumberOrder.objects.exists()


def test_a_token_revoked_after_the_draft_buys_nothing(principal, alice):
    call(principal, StockNumberFactory())
    approval = Approval.objects.get()
    approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    AccessToken.objects.filter(pk=principal.token_id).update(revoked_at=approval.created_at)
    execution.execute_approval(approval.pk)
    approval.refresh_from_db()
    assert (approval.status, approval.error_code) == ("failed", "not_permitted")
    assert NumberOrder.objects.get().state == "withdrawn"
    assert not PhoneNumber.objects.exists()


def test_a_rejection_frees_the_numbers(principal, alice):
    call(principal, StockNumberFactory())
    reject(alice, approval_id=Approval.objects.get().pk, comment="Too dear")
    assert not Reservation.objects.unreleased().exists()
    assert NumberOrder.objects.get().state == "withdrawn"
