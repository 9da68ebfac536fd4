"""Messages and limits. Trait of a message: `received`."""

from __future__ import annotations

from decimal import Decimal

import factory

from cliqtel_portal.messaging.models import Message, MessagingLimit
from tests.factories.accounts import TenantFactory


class MessageFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Message

    class Params:
        received = factory.Trait(direction="inbound", status="received", cost=Decimal(0))

    tenant = factory.SubFactory(TenantFactory)
    direction = "outbound"
    from_number = "+447700900100"
    to_number = "+447700900101"
    body = "Your order is on its way."
    status = "delivered"
    cost = Decimal("0.07")


class MessagingLimitFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MessagingLimit

    tenant = factory.SubFactory(TenantFactory)
    messages_per_day = 5
    amount_per_day = Decimal("1.00")
