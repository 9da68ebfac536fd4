from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from cliqtel_portal.carriers.models import CarrierOperation
from tests.factories.carriers import FINISHED, CarrierOperationFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("carriers_operation_key_present", {"idempotency_key": ""}),
        ("carriers_operation_kind_valid", {"kind": "dance"}),
        ("carriers_operation_state_complete", {"state": "lost"}),
        ("carriers_operation_state_complete", {"finished_at": FINISHED}),
        ("carriers_operation_state_complete", {"accepted": True, "carrier_reference": ""}),
        ("carriers_operation_state_complete", {"done": True, "finished_at": None}),
        ("carriers_operation_state_complete", {"done": True, "error_code": "carrier_rejected"}),
        ("carriers_operation_state_complete", {"failed": True, "error_code": ""}),
    ],
)
def test_the_database_refuses_an_operation_that_cannot_be(
    constraint: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        CarrierOperationFactory(**fields)
    assert not CarrierOperation.objects.exists()


def test_every_state_of_a_life_fits() -> None:
    for trait in ({}, {"accepted": True}, {"done": True}, {"failed": True}):
        CarrierOperationFactory(**trait)
    states = CarrierOperation.objects.values_list("state", flat=True)
    assert sorted(states) == ["accepted", "done", "failed", "pending"]


def test_a_key_is_used_once_with_a_carrier() -> None:
    CarrierOperationFactory(idempotency_key="order-7")
    with (
        pytest.raises(IntegrityError, match="carriers_operation_key_unique"),
        transaction.atomic(),
    ):
        CarrierOperationFactory(idempotency_key="order-7")
    CarrierOperationFactory(idempotency_key="order-7", carrier="other")
