from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from approvals.models import Approval
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.numbers.models import Reservation
from cliqtel_portal.numbers.order_models import NumberOrder
from tests.factories.accounts import MembershipFactory
from tests.factories.numbers import ReservationFactory, StockNumberFactory
from tests.factories.pricing import PriceFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db

ORDER = "/numbers/order/"


@pytest.fixture(autouse=True)
def price() -> None:
    PriceFactory(country="NL", number_type="local", setup=Decimal("2.00"), monthly=Decimal("1.25"))


def post(membership: Membership, path: str = ORDER, **data):
    client = Client()
    client.force_login(membership.user)
    return client.post(path, data)


def told(membership: Membership, **data) -> str:
    """What the page says after the order was refused."""
    client = Client()
    client.force_login(membership.user)
    return client.post(ORDER, data, follow=True).content.decode()


def test_an_order_leads_to_the_page_where_it_is_decided(bob):
    trunk = TrunkFactory(tenant=bob.tenant)
    held = StockNumberFactory(e164="+31205550001")
    ReservationFactory(tenant=bob.tenant, stock_number=held)
    StockNumberFactory(e164="+31205550002")
    numbers = ["+31205550001", "+31205550002", "+31205550001"]
    response = post(bob, numbers=numbers, trunk=str(trunk.pk))
    approval = Approval.objects.for_tenant(bob.tenant).get()
    assert response["Location"] == f"/approvals/{approval.pk}/"
    assert (approval.action, approval.requester, approval.status) == (
        "purchase_number",
        bob.user,
        "pending",
    )
    assert (approval.token_id, approval.call_id) == (None, None)
    assert approval.quote == {"once": "4.00", "monthly": "2.50", "currency": "EUR"}
    order = NumberOrder.objects.get()
    assert (order.trunk, order.state) == (trunk, "draft")
    assert Reservation.objects.filter(order=order, released_at__isnull=True).count() == 2


def test_what_was_sold_meanwhile_is_told_and_nothing_is_drafted(bob):
    StockNumberFactory(e164="+31205550001", status="sold")
    StockNumberFactory(e164="+31205550002")
    shown = told(bob, numbers=["+31205550001", "+31205550002"], query="country=NL")
    assert "+31 20 555 0001 is sold" in shown
    assert "+31205550002" in shown, "the search is shown again"
    assert not Approval.objects.exists()
    assert not Reservation.objects.exists()


def test_nothing_ticked_and_nonsense_are_told(bob):
    assert "Choose at least one number first." in told(bob)
    assert not Approval.objects.exists()
    assert "Enter a valid UUID" in told(bob, numbers=["+31205550001"], trunk="x")
    assert "<b>" not in told(bob, numbers=["<b>"]).split("<main", 1)[1].split("</div>")[0]
    assert not Approval.objects.exists()


def test_a_trunk_of_another_tenant_is_not_found(bob, mallory):
    StockNumberFactory(e164="+31205550001")
    foreign = TrunkFactory(tenant=mallory.tenant, name="Secret PBX")
    shown = told(bob, numbers=["+31205550001"], trunk=str(foreign.pk))
    assert "no such trunk" in shown
    assert "Secret PBX" not in shown
    assert not Approval.objects.exists()


def test_what_another_tenant_holds_is_not_ordered(bob, mallory):
    stock = StockNumberFactory(e164="+31205550001")
    ReservationFactory(tenant=bob.tenant, stock_number=stock)
    assert "held by somebody else" in told(mallory, numbers=[stock.e164])
    assert not Approval.objects.exists()


def test_who_only_looks_orders_nothing(acme):
    StockNumberFactory(e164="+31205550001")
    viewer = MembershipFactory(tenant=acme, role="viewer")
    assert post(viewer, numbers=["+31205550001"]).status_code == 403
    assert not Approval.objects.exists()
