from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from cliqtel_portal.messaging.models import Message
from tests.factories.messaging import MessageFactory, MessagingLimitFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("messaging_message_status_fits_direction", {"status": "received"}),
        ("messaging_message_status_fits_direction", {"received": True, "status": "sent"}),
        ("messaging_message_status_fits_direction", {"direction": "sideways"}),
        ("messaging_message_channel_valid", {"channel": "fax"}),
        ("messaging_message_numbers_e164", {"from_number": "07700 900100"}),
        ("messaging_message_numbers_e164", {"to_number": "+0447700900"}),
        ("messaging_message_segments_positive", {"segments": 0}),
        ("messaging_message_cost_not_negative", {"cost": Decimal("-0.01")}),
        ("messaging_message_currency_valid", {"currency": "eur"}),
    ],
)
def test_the_database_refuses_a_message_that_cannot_be(
    constraint: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        MessageFactory(**fields)
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("messaging_limit_amount_not_negative", {"amount_per_day": Decimal("-1")}),
        ("messaging_limit_currency_valid", {"currency": "€"}),
    ],
)
def test_the_database_refuses_a_limit_that_cannot_be(
    constraint: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        MessagingLimitFactory(**fields)


def test_a_tenant_has_one_limit() -> None:
    limit = MessagingLimitFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        MessagingLimitFactory(tenant=limit.tenant)


def test_the_words_of_a_message_row_do_not_hold_its_text() -> None:
    message = MessageFactory(body="my code is 4711")
    assert "4711" not in f"{message} {message!r}"
