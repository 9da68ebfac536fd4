from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from approvals import execution, expiry
from approvals.errors import PriceChanged
from approvals.executors import executor_of
from approvals.models import Approval
from approvals.services import approve, reject
from cliqtel_portal.billing.services import balance
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.carriers.sandbox_models import SandboxFault, SandboxRequest
from cliqtel_portal.deeds.purchase_number import draft_order
from cliqtel_portal.errors import NotPermitted
from cliqtel_portal.numbers.errors import RequirementsMissing
from cliqtel_portal.numbers.models import PhoneNumber, Reservation
from cliqtel_portal.numbers.order_models import NumberOrder
from cliqtel_portal.pricing.models import Price
from tests.factories.accounts import MembershipFactory
from tests.factories.billing import LedgerEntryFactory
from tests.factories.deeds import requester_of
from tests.factories.numbers import StockNumberFactory
from tests.factories.pricing import PriceFactory
from tests.factories.regulatory import RequirementFactory, RequirementSetFactory
from tests.factories.trunks import TrunkFactory


@pytest.fixture(autouse=True)
def world(acme):
    PriceFactory(setup=1, monthly=2)
    LedgerEntryFactory(tenant=acme, amount=100)


@pytest.fixture
def deed():
    return executor_of("purchase_number")


def draft(member, *stock, **options):
    numbers = [number.e164 for number in stock or [StockNumberFactory()]]
    return draft_order(requester_of(member), numbers=numbers, **options).approval


def approved(member, approval):
    return approve(member, approval_id=approval.pk, seen_digest=approval.digest).approval


def run(approval, **options):
    execution.execute_approval(approval.pk, **options)
    approval.refresh_from_db()
    return approval


def test_a_draft_asks_a_person_with_price_and_arguments(alice, bob):
    trunk = TrunkFactory(tenant=alice.tenant, name='HQ" <b>')
    stock = StockNumberFactory(e164="+31201230001")
    approval = draft(bob, stock, trunk_id=trunk.pk, reason_text="They asked.")
    order = NumberOrder.objects.get()
    assert approval.title == "Buy +31 20 123 0001"
    assert approval.summary == 'Netherlands, local: 1 number; connected to trunk “HQ" <b>”.'
    assert approval.arguments == {
        "order_id": str(order.pk),
        "numbers": ["+31201230001"],
        "trunk_id": str(trunk.pk),
    }
    assert (approval.artifact_id, approval.reason_text) == (order.pk, "They asked.")
    assert (approval.price.once, approval.price.monthly, approval.amount) == (1, 2, 3)
    assert order.hold_until == approval.expires_at
    assert not PhoneNumber.objects.exists()
    assert not CarrierOperation.objects.exists()


def test_who_may_not_draft_holds_nothing(acme):
    viewer = MembershipFactory(tenant=acme, role="viewer")
    with pytest.raises(NotPermitted):
        draft(viewer)
    assert not Reservation.objects.exists()
    assert not NumberOrder.objects.exists()


def test_a_dry_run_asks_nobody(alice):
    drafted = draft_order(requester_of(alice), numbers=[StockNumberFactory().e164], dry_run=True)
    assert drafted.approval is None
    assert len(drafted.draft.checks) == 3
    assert not Approval.objects.exists()
    assert not Reservation.objects.exists()


def test_approved_it_is_bought_once(alice):
    approval = draft(alice, StockNumberFactory(), StockNumberFactory())
    approved(alice, approval)
    run(approval)
    numbers = PhoneNumber.objects.for_tenant(alice.tenant).order_by("e164")
    assert (approval.status, [number.status for number in numbers]) == ("executed", ["active"] * 2)
    assert approval.outcome == {
        "order_id": approval.arguments["order_id"],
        "status": "completed",
        "numbers": [{"number": number.e164, "status": "active"} for number in numbers],
    }
    assert balance(alice.tenant).amount == 94
    outcome = executor_of("purchase_number").execute(approval, approval.idempotency_key)
    assert outcome == approval.outcome
    assert (balance(alice.tenant).amount, CarrierOperation.objects.count()) == (94, 1)


def test_a_carrier_that_did_it_and_gave_no_answer_is_asked_again(alice):
    SandboxFault.objects.create(fault="timeout_after")
    approval = draft(alice)
    approved(alice, approval)
    run(approval)
    assert (approval.status, PhoneNumber.objects.get().status) == ("executing", "provisioning")
    later = timezone.now() + timedelta(hours=1)
    # The operation is due by then as well: the scan would have come first.
    CarrierOperation.objects.update(due_at=timezone.now())
    run(approval, now=later)
    assert (approval.status, PhoneNumber.objects.get().status) == ("executed", "active")
    assert (SandboxRequest.objects.count(), balance(alice.tenant).amount) == (1, 97)


def test_what_the_carrier_refuses_fails_and_costs_nothing(alice):
    SandboxFault.objects.create(fault="reject")
    stock = StockNumberFactory()
    approval = draft(alice, stock)
    approved(alice, approval)
    run(approval)
    assert (approval.status, approval.error_code) == ("failed", "carrier_rejected")
    assert approval.outcome["uncertain"] is False
    assert "money is back" in approval.outcome["message"]
    stock.refresh_from_db()
    assert (stock.status, PhoneNumber.objects.get().status) == ("available", "released")
    assert balance(alice.tenant).amount == 100
    # The number can be bought again.
    again = draft(alice, stock)
    approved(alice, again)
    assert run(again).status == "executed"


def test_what_the_carrier_delivers_later_is_provisioning(alice):
    SandboxFault.objects.create(fault="slow_provisioning", seconds=60)
    approval = draft(alice)
    approved(alice, approval)
    run(approval)
    assert (approval.status, approval.outcome["status"]) == ("executed", "provisioning")
    assert approval.outcome["numbers"][0]["status"] == "provisioning"


def test_rejected_or_expired_it_frees_its_numbers(alice):
    first, second = draft(alice), draft(alice)
    reject(alice, approval_id=first.pk)
    expiry.expire_due(now=timezone.now() + timedelta(hours=25))
    assert {order.state for order in NumberOrder.objects.all()} == {"withdrawn"}
    assert not Reservation.objects.unreleased().exists()
    second.refresh_from_db()
    assert second.status == "expired"


def test_another_price_needs_another_click(alice):
    approval = draft(alice)
    Price.objects.update(monthly=Decimal("2.50"))
    with pytest.raises(PriceChanged):
        approved(alice, approval)
    approval.refresh_from_db()
    assert (approval.status, approval.price.monthly) == ("pending", Decimal("2.50"))
    approved(alice, approval)
    assert run(approval).status == "executed"
    assert balance(alice.tenant).amount == Decimal("96.50")


def test_a_price_that_moves_after_the_click_buys_nothing(alice):
    approval = draft(alice)
    approved(alice, approval)
    Price.objects.update(monthly=Decimal("2.50"))
    run(approval)
    assert (approval.status, approval.error_code) == ("failed", "price_changed")
    assert NumberOrder.objects.get().state == "withdrawn"
    assert balance(alice.tenant).amount == 100


def test_missing_papers_keep_it_pending(alice, deed):
    RequirementFactory(requirement_set=RequirementSetFactory(), name="Identity")
    approval = draft(alice, StockNumberFactory(requires_documents=True))
    assert "Identity" in deed.present(approval).missing[0]
    with pytest.raises(RequirementsMissing):
        approved(alice, approval)
    approval.refresh_from_db()
    assert approval.status == "pending"


def test_a_number_sold_meanwhile_fails_it_with_a_reason(alice):
    stock = StockNumberFactory()
    approval = draft(alice, stock)
    approved(alice, approval)
    stock.status = "sold"
    stock.save()
    run(approval)
    assert (approval.status, approval.error_code) == ("failed", "number_unavailable")
    assert "is sold" in approval.outcome["problems"][0]["message"]


def test_the_page_shows_each_price_and_what_follows(alice, deed):
    trunk = TrunkFactory(tenant=alice.tenant, name="HQ")
    shown = deed.present(draft(alice, StockNumberFactory(e164="+31201230001"), trunk_id=trunk.pk))
    assert [(line.label, line.once.amount, line.monthly.amount) for line in shown.lines] == [
        ("+31 20 123 0001", 1, 2)
    ]
    assert shown.consequences == (
        "1 number is bought and €3.00 is charged at once: €1.00 to set up and €2.00 for the first"
        " month.",
        "€2.00 a month follows, until it is released.",
        "Calls go to trunk “HQ”.",
    )
    assert shown.missing == ()


def test_the_page_lists_every_number_and_leads_to_the_bought(alice, client):
    client.force_login(alice.user)
    stock = [StockNumberFactory(area="<b>Delft</b>") for _ in range(9)]
    approval = draft(alice, *stock)
    page = client.get(f"/approvals/{approval.pk}/").content.decode()
    assert page.count("Held for you") == 9
    assert "<b>Delft" not in page
    approved(alice, approval)
    run(approval)
    page = client.get(f"/approvals/{approval.pk}/").content.decode()
    bought = PhoneNumber.objects.for_tenant(alice.tenant)
    assert [f"/numbers/{number.pk}/" in page for number in bought] == [True] * 9


def test_many_numbers_are_counted_by_their_kind(alice, deed):
    PriceFactory(number_type="mobile", setup=0, monthly=5)
    stock = [StockNumberFactory() for _ in range(7)]
    stock += [StockNumberFactory(number_type="mobile") for _ in range(2)]
    approval = draft(alice, *stock)
    lines = [
        (line.label, line.once.amount, line.monthly.amount) for line in deed.present(approval).lines
    ]
    assert lines == [
        ("Netherlands, local: 7 numbers", 7, 14),
        ("Netherlands, mobile: 2 numbers", 0, 10),
    ]
    assert approval.title == "Buy 9 numbers (Netherlands)"
    assert len(deed.present(approval).context["lines"]) == 9


def test_the_page_says_that_the_balance_is_too_low(mallory, deed):
    approval = draft(mallory)
    assert deed.present(approval).missing == ("This costs €3.00 and the account holds €0.00.",)
    reject(mallory, approval_id=approval.pk)
    approval.refresh_from_db()
    assert deed.present(approval).missing == ()
