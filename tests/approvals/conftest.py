from __future__ import annotations

import pytest

from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here, as the settings say
from cliqtel_portal.accounts.models import Membership, Tenant
from tests.factories.accounts import MembershipFactory


@pytest.fixture
def carol(acme: Tenant) -> Membership:
    """Approver of acme."""
    return MembershipFactory(
        tenant=acme, role="approver", user__email="carol@acme.example", user__name="Carol"
    )
