"""What every backend must keep. A backend's test inherits this and gives a `backend` fixture.

The outbox leans on it: a worker that died repeats its request, and only the key keeps the deed
from being done twice.
"""

from __future__ import annotations

import pytest

from cliqtel_portal.carriers.base import CarrierBackend
from cliqtel_portal.carriers.errors import CarrierRejectedError
from cliqtel_portal.carriers.types import NumberOrder, NumberRelease, OutboundMessage

TEXT = "Your code is 4711"
NUMBERS = ("+31201230001", "+31201230002")
ORDER = NumberOrder(numbers=NUMBERS)
RELEASE = NumberRelease(number=NUMBERS[0])
MESSAGE = OutboundMessage(
    channel="sms", from_number=NUMBERS[0], to_number="+31612345678", text=TEXT
)

# For each request of the contract: its method, one of it, and another of the same kind.
REQUESTS = [
    pytest.param("order_numbers", ORDER, NumberOrder(numbers=("+31201230003",)), id="order"),
    pytest.param("release_number", RELEASE, NumberRelease(number=NUMBERS[1]), id="release"),
    pytest.param(
        "send_message",
        MESSAGE,
        OutboundMessage(
            channel="sms", from_number=NUMBERS[0], to_number="+31612345678", text="Another"
        ),
        id="message",
    ),
]
each_request = pytest.mark.parametrize(("method", "request_", "other"), REQUESTS)


class CarrierContract:
    @pytest.fixture
    def backend(self) -> CarrierBackend:
        raise NotImplementedError("return the backend that is tested")

    @each_request
    def test_it_answers_with_a_receipt(self, backend, method, request_, other):
        receipt = getattr(backend, method)(request_, idempotency_key="key-1")
        assert receipt.reference
        assert len(receipt.reference) <= 120
        assert receipt.state in {"accepted", "done"}

    @each_request
    def test_the_same_key_again_gets_the_first_receipt(self, backend, method, request_, other):
        first = getattr(backend, method)(request_, idempotency_key="key-1")
        again = getattr(backend, method)(request_, idempotency_key="key-1")
        assert again.reference == first.reference

    @each_request
    def test_another_key_is_another_request(self, backend, method, request_, other):
        first = getattr(backend, method)(request_, idempotency_key="key-1")
        second = getattr(backend, method)(other, idempotency_key="key-2")
        assert second.reference != first.reference

    @each_request
    def test_another_request_under_the_same_key_is_refused(self, backend, method, request_, other):
        first = getattr(backend, method)(request_, idempotency_key="key-1")
        with pytest.raises(CarrierRejectedError):
            getattr(backend, method)(other, idempotency_key="key-1")
        again = getattr(backend, method)(request_, idempotency_key="key-1")
        assert again.reference == first.reference

    def test_another_kind_under_the_same_key_is_refused(self, backend):
        backend.order_numbers(ORDER, idempotency_key="key-1")
        with pytest.raises(CarrierRejectedError):
            backend.release_number(RELEASE, idempotency_key="key-1")

    @each_request
    def test_it_keeps_no_state_in_the_object(self, backend, method, request_, other):
        """Workers come and go: what one process did must be known to the next."""
        before = repr(vars(backend))
        first = getattr(backend, method)(request_, idempotency_key="key-1")
        assert repr(vars(backend)) == before
        fresh = type(backend)(**vars(backend))
        assert getattr(fresh, method)(request_, idempotency_key="key-1") == first

    def test_neither_words_nor_logs_hold_a_messages_text(self, backend, caplog):
        with caplog.at_level("DEBUG"):
            receipt = backend.send_message(MESSAGE, idempotency_key="key-1")
            with pytest.raises(CarrierRejectedError) as refused:
                backend.order_numbers(ORDER, idempotency_key="key-1")
        for words in (repr(backend), repr(receipt), repr(refused.value), caplog.text):
            assert TEXT not in words
            assert "4711" not in words
