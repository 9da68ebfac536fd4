from __future__ import annotations

import pytest
from django.test import Client

from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.numbers import (
    EmergencyAddressFactory,
    NumberChangeFactory,
    OfferFactory,
    PhoneNumberFactory,
    ReservationFactory,
    StockNumberFactory,
)
from tests.factories.orders import make_order

FACTORIES = {
    "phonenumber": PhoneNumberFactory,
    "numberchange": NumberChangeFactory,
    "emergencyaddress": EmergencyAddressFactory,
    "stocknumber": StockNumberFactory,
    "reservation": ReservationFactory,
    "offer": OfferFactory,
    "numberorder": lambda: make_order(MembershipFactory()),
}


@pytest.fixture
def staff(db, client: Client) -> Client:
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("model", FACTORIES)
def test_staff_can_list_search_and_open(staff, model):
    row = FACTORIES[model]()
    base = f"/admin/numbers/{model}/"
    assert str(row.pk) in staff.get(base).content.decode()
    assert staff.get(base, {"q": "x"}).status_code == 200
    assert staff.get(f"{base}{row.pk}/change/").status_code == 200
