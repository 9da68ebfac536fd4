from __future__ import annotations

import inspect

import pytest

from cliqtel_portal.carriers.base import CarrierBackend
from cliqtel_portal.carriers.errors import CarrierRejectedError, CarrierUnavailableError
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.carriers.types import OutboundMessage


def test_an_incomplete_backend_cannot_be_made() -> None:
    class OrdersOnly(CarrierBackend):
        def order_numbers(self, order: object, *, idempotency_key: str) -> object:  # type: ignore[override]
            return order

    with pytest.raises(TypeError, match="release_number"):
        OrdersOnly()  # type: ignore[abstract]


def test_every_request_of_the_contract_has_a_kind_and_takes_a_key() -> None:
    methods = CarrierBackend.__abstractmethods__
    assert methods == {kind.value for kind in CarrierOperation.Kind}
    for name in methods:
        parameters = inspect.signature(getattr(CarrierBackend, name)).parameters
        assert parameters["idempotency_key"].kind is inspect.Parameter.KEYWORD_ONLY


def test_only_an_unavailable_carrier_is_worth_another_try() -> None:
    assert CarrierUnavailableError("Later.").retryable
    assert not CarrierRejectedError("Never.").retryable


def test_the_words_of_a_message_do_not_hold_its_text() -> None:
    message = OutboundMessage(
        channel="sms", from_number="+447700900100", to_number="+447700900101", text="code 4711"
    )
    assert repr(message) == "OutboundMessage(sms, 9 characters)"
