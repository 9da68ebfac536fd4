"""A tenant that can send: a number with every capability, prices, a balance, a limit."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.messaging.services import Origin, Prepared, prepare
from cliqtel_portal.numbers.models import PhoneNumber
from tests.factories.billing import LedgerEntryFactory
from tests.factories.messaging import MessagingLimitFactory
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.pricing import PriceFactory

SENDER = "+447700900100"
ANNA, BEN = "+447700900201", "+447700900202"


@pytest.fixture
def sender(acme: Tenant) -> PhoneNumber:
    """An SMS costs €0.05 a segment, a WhatsApp message €0.06; €10.00 are there."""
    PriceFactory(country="GB", number_type="mobile", sms_out=Decimal("0.05"))
    LedgerEntryFactory(tenant=acme, amount=Decimal("10.00"))
    return PhoneNumberFactory(
        tenant=acme,
        e164=SENDER,
        country="GB",
        number_type="mobile",
        capabilities=["voice", "sms", "whatsapp"],
    )


@pytest.fixture
def limit(acme: Tenant) -> None:
    """5 messages and €1.00 a day."""
    MessagingLimitFactory(tenant=acme)


@pytest.fixture
def origin(alice: Membership) -> Origin:
    return Origin(user=alice.user)


@pytest.fixture
def message(sender: PhoneNumber) -> Callable[..., Prepared]:
    """`message(to=[...])`: a checked SMS of acme to Anna, or what the arguments say."""

    def make(**arguments: Any) -> Prepared:
        values: dict[str, Any] = {
            "from_number": SENDER,
            "to": [ANNA],
            "channel": Channel.SMS,
            "text": "" if arguments.get("template") else "Your order is on its way.",
        }
        return prepare(sender.tenant, **(values | arguments))

    return make
