from __future__ import annotations

import pytest
from django.utils import timezone

from cliqtel_portal.messaging import demo
from cliqtel_portal.messaging.models import Message, MessageTemplate, MessagingLimit, OptOut
from cliqtel_portal.messaging.services import daily_allowance
from tests.factories.accounts import TenantFactory

pytestmark = pytest.mark.django_db


def test_acme_may_send_five_messages_a_day_and_the_others_none() -> None:
    tenants = {slug: TenantFactory(slug=slug) for slug in ("acme", "globex", "initech")}
    demo.seed(tenants)
    demo.seed(tenants)
    left = {slug: daily_allowance(tenant).messages_left for slug, tenant in tenants.items()}
    assert left == {"acme": 5, "globex": 0, "initech": 0}
    assert MessagingLimit.objects.count() == 1


def test_seeding_again_sends_nothing_again_and_leaves_todays_limit() -> None:
    tenants = {"acme": TenantFactory(slug="acme")}
    demo.seed(tenants)
    OptOut.objects.update(ended_at=timezone.now())
    before = (Message.objects.count(), MessageTemplate.objects.count())
    demo.seed(tenants)
    assert (Message.objects.count(), MessageTemplate.objects.count()) == before
    assert not OptOut.objects.live().exists()
    assert daily_allowance(tenants["acme"]).messages_left == 5
