from __future__ import annotations

import pytest

from cliqtel_portal.messaging import demo
from cliqtel_portal.messaging.models import MessagingLimit
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
