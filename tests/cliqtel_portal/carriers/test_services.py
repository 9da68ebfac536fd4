from __future__ import annotations

import pytest

from cliqtel_portal.carriers import services
from cliqtel_portal.carriers.errors import OperationConflict
from cliqtel_portal.carriers.models import CarrierOperation

pytestmark = pytest.mark.django_db


def many(count, start=0):
    return {f"message:{n}": {"message_id": str(n)} for n in range(start, start + count)}


def test_many_are_written_in_few_queries_and_in_their_order(acme, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        written = services.enqueue_all(acme, kind="send_message", payloads=many(100))
    assert [one.idempotency_key for one in written] == list(many(100))
    assert {one.state for one in written} == {"pending"}


def test_keys_that_are_there_return_their_first_rows(acme):
    first = services.enqueue_all(acme, kind="send_message", payloads=many(2))
    again = services.enqueue_all(acme, kind="send_message", payloads=many(3))
    assert again[:2] == first
    assert CarrierOperation.objects.count() == 3


def test_one_key_of_something_else_writes_none(acme, mallory):
    services.enqueue_all(mallory.tenant, kind="send_message", payloads=many(1, start=2))
    with pytest.raises(OperationConflict):
        services.enqueue_all(acme, kind="send_message", payloads=many(3))
    assert not CarrierOperation.objects.for_tenant(acme).exists()
