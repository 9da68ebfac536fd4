"""Events and notices."""

from __future__ import annotations

import factory

from cliqtel_portal.notices.models import Event, Notice
from tests.factories.accounts import TenantFactory


class EventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Event

    tenant = factory.SubFactory(TenantFactory)
    kind = "number.assigned"


class NoticeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Notice

    tenant = factory.SubFactory(TenantFactory)
    title = factory.Sequence(lambda n: f"Notice {n}")
