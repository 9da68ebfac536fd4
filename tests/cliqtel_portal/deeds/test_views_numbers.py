from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from approvals.models import Approval
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.numbers.models import Reservation
from cliqtel_portal.numbers.order_models import NumberOrder
from tests.factories.accounts import MembershipFactory
from tests.factories.callflows import make_flow
from tests.factories.numbers import PhoneNumberFactory, ReservationFactory, StockNumberFactory
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


def page(membership: Membership, path: str) -> str:
    client = Client()
    client.force_login(membership.user)
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def refused(membership: Membership, path: str, **data) -> str:
    client = Client()
    client.force_login(membership.user)
    shown = client.post(path, data, follow=True).content.decode()
    assert not Approval.objects.exists()
    return shown


def test_a_person_asks_on_the_numbers_page_to_connect_it(bob):
    trunk = TrunkFactory(tenant=bob.tenant, name="HQ <b>")
    flow = make_flow(bob.tenant, name="Sales")
    number = PhoneNumberFactory(tenant=bob.tenant, trunk=trunk)
    shown = page(bob, f"/numbers/{number.pk}/")
    assert f'value="call_flow:{flow.pk}">Sales<' in shown
    assert f'value="trunk:{trunk.pk}"' not in shown, "it is there already"
    assert f'name="if_currently" value="{trunk.pk}"' in shown
    response = post(
        bob,
        f"/numbers/{number.pk}/connect/",
        target=f"call_flow:{flow.pk}",
        if_currently=str(trunk.pk),
    )
    approval = Approval.objects.for_tenant(bob.tenant).get()
    assert response["Location"] == f"/approvals/{approval.pk}/"
    assert (approval.action, approval.arguments["after"]["name"]) == ("assign_number", "Sales")
    number.refresh_from_db()
    assert number.call_flow_id is None
    shown = page(bob, f"/numbers/{number.pk}/")
    assert "Waits for a decision" in shown
    assert f'href="/approvals/{approval.pk}/"' in shown


def test_a_move_meanwhile_is_told_and_not_overwritten(bob):
    number = PhoneNumberFactory(tenant=bob.tenant, trunk=TrunkFactory(tenant=bob.tenant))
    path = f"/numbers/{number.pk}/connect/"
    assert "It is " in refused(bob, path, target="none", if_currently="none")
    for target in ("", "x", "trunk:", "trunk:" + "-" * 36, "<b>"):
        assert "Choose where calls are to go." in refused(
            bob, path, target=target, if_currently=str(number.trunk_id)
        )


def test_giving_up_says_what_it_means_and_wants_the_number_typed(bob):
    number = PhoneNumberFactory(tenant=bob.tenant, e164="+31205550001")
    path = f"/numbers/{number.pk}/give-up/"
    assert f'href="{path}"' in page(bob, f"/numbers/{number.pk}/")
    assert "For 30 days an admin can bring it back." in page(bob, path)
    assert "It is another number." in refused(bob, path, confirm_number="+31205550002")
    assert "Not a telephone number" in refused(bob, path, confirm_number="<script>")
    assert "This field is required" in refused(bob, path)
    response = post(bob, path, confirm_number="+31 20 555 0001")
    approval = Approval.objects.get()
    assert response["Location"] == f"/approvals/{approval.pk}/"
    assert approval.action == "release_number"
    number.refresh_from_db()
    assert number.status == "active"


def test_what_blocks_giving_up_is_listed_instead_of_the_form(bob):
    trunk = TrunkFactory(tenant=bob.tenant, name="HQ <b>")
    number = PhoneNumberFactory(tenant=bob.tenant, trunk=trunk)
    path = f"/numbers/{number.pk}/give-up/"
    shown = page(bob, path)
    assert "It is connected to trunk “HQ &lt;b&gt;”" in shown
    assert "confirm_number" not in shown
    refused(bob, path, confirm_number=number.e164)


@pytest.mark.parametrize("path", ["connect/", "give-up/"])
def test_neither_strangers_nor_viewers_ask_anything(acme, mallory, path):
    number = PhoneNumberFactory(tenant=acme)
    viewer = MembershipFactory(tenant=acme, role="viewer")
    data = {"target": "none", "if_currently": "none", "confirm_number": number.e164}
    assert post(mallory, f"/numbers/{number.pk}/{path}", **data).status_code == 404
    assert post(viewer, f"/numbers/{number.pk}/{path}", **data).status_code == 403
    assert not Approval.objects.exists()
    shown = page(viewer, f"/numbers/{number.pk}/")
    assert "Send calls to" not in shown
    assert "give-up" not in shown


@pytest.mark.parametrize("path", ["connect/", "give-up/"])
def test_the_page_of_a_past_number_asks_nothing_about_the_present_one(bob, path):
    past = PhoneNumberFactory(tenant=bob.tenant, e164="+31205550001", status="released")
    PhoneNumberFactory(tenant=bob.tenant, e164="+31205550001")
    data = {"target": "none", "if_currently": "none", "confirm_number": "+31205550001"}
    assert post(bob, f"/numbers/{past.pk}/{path}", **data).status_code == 404
    assert not Approval.objects.exists()
