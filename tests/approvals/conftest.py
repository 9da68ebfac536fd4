from __future__ import annotations

from collections.abc import Iterator

import pytest

from approvals import executors
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here, as the settings say
from cliqtel_portal.accounts.models import Membership, Tenant
from tests.factories.accounts import MembershipFactory
from tests.factories.approvals import ACTION, CountingExecutor


@pytest.fixture
def executor() -> Iterator[CountingExecutor]:
    """Executes `order_number` and, for the four-eyes rule, `release_number`."""
    kept = dict(executors._executors)
    counting = CountingExecutor()
    executors._executors.update({ACTION: counting, "release_number": counting})
    yield counting
    executors._executors.clear()
    executors._executors.update(kept)


@pytest.fixture
def carol(acme: Tenant) -> Membership:
    """Approver of acme."""
    return MembershipFactory(
        tenant=acme, role="approver", user__email="carol@acme.example", user__name="Carol"
    )
