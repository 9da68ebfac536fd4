"""Messages and limits. Traits: `received` of a message; `sent` and `by_ai_host` of a batch."""

from __future__ import annotations

import uuid
from decimal import Decimal

import factory
from django.utils import timezone

from cliqtel_portal.messaging.models import (
    Message,
    MessageBatch,
    MessageTemplate,
    MessagingLimit,
    OptOut,
)
from tests.factories.accounts import TenantFactory, UserFactory


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


class MessageBatchFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MessageBatch

    class Params:
        sent = factory.Trait(state="sent", sent_at=factory.LazyFunction(timezone.now))
        by_ai_host = factory.Trait(
            token_id=factory.LazyFunction(uuid.uuid4),
            token_label="Ops agent",
            client_label="Claude Desktop",
        )

    tenant = factory.SubFactory(TenantFactory)
    key = factory.Sequence(lambda n: f"key-{n}")
    state = "draft"
    channel = "sms"
    from_number = "+447700900100"
    recipients = ["+447700900101"]
    body = "Your order is on its way."
    encoding = "gsm7"
    segments = 1
    cost = Decimal("0.07")
    currency = "EUR"
    requested_by = factory.SubFactory(UserFactory)


class OptOutFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = OptOut

    tenant = factory.SubFactory(TenantFactory)
    channel = "sms"
    our_number = "+447700900100"
    peer_number = factory.Sequence(lambda n: f"+44770090{n % 10000:04d}")
    source = "inbound"


class MessageTemplateFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MessageTemplate

    tenant = factory.SubFactory(TenantFactory)
    name = "order-shipped"
    channel = "whatsapp"
    body = "Hi {{name}}, your order {{order}} has left."
    status = "approved"
