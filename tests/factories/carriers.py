"""Operations owed to a carrier. Traits: `accepted`, `done`, `failed`."""

from __future__ import annotations

from datetime import UTC, datetime

import factory

from cliqtel_portal.carriers.models import CarrierOperation, SandboxFault
from tests.factories.accounts import TenantFactory

FINISHED = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


class CarrierOperationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CarrierOperation

    class Params:
        accepted = factory.Trait(state="accepted", carrier_reference="ref-1")
        done = factory.Trait(state="done", finished_at=FINISHED, carrier_reference="ref-1")
        failed = factory.Trait(state="failed", finished_at=FINISHED, error_code="carrier_rejected")

    tenant = factory.SubFactory(TenantFactory)
    carrier = "example"
    kind = "order_numbers"
    idempotency_key = factory.Sequence(lambda n: f"order-{n}")
    payload = factory.LazyFunction(lambda: {"order_id": "01990000-0000-7000-8000-000000000000"})


class SandboxFaultFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SandboxFault

    fault = "unavailable"
    times_left = 1
