"""The cast of the whole suite."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from django.db import connection, transaction
from django_ratelimit import core

from tests.snapshots import Snapshot, snapshot
from tests.template import ensure_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

    from cliqtel_portal.accounts.models import Membership, Tenant
    from tests.factories.approvals import CountingExecutor


_TESTS = Path(__file__).parent

# A busy machine is no failure, and each run draws other examples.
hypothesis.settings.register_profile("suite", deadline=None, max_examples=50)
hypothesis.settings.load_profile("suite")


# Their files take longest. Begun last, one worker would be at a walk when all others are done.
_LONGEST = ("browser", "portal", "clients")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        folder = item.path.relative_to(_TESTS).parts[0]
        return _LONGEST.index(folder) if folder in _LONGEST else len(_LONGEST)

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """What is there by now stays: the collector needs not walk over it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """pytest-django's hook before it makes the test database."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = ensure_template()


@pytest.fixture(scope="session")
def _demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Snapshot[str]:
    from cliqtel_portal.management.commands.demo import seed

    with django_db_blocker.unblock():
        return snapshot(seed)


@pytest.fixture
def demo(_demo: Snapshot[str], db: None) -> None:
    """The demo's data, as `manage.py demo` makes it."""
    _demo.restore()


@pytest.fixture(autouse=True)
def _one_window_of_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window of django-ratelimit ends by the wall clock, and in the middle of a test that counts
    it would begin to count anew. Here the first one begins with the test.
    """
    began, by_the_clock = int(time.time()), core._get_window

    def window(value: str | bytes, period: int) -> int:
        is_first = period > 1 and began <= time.time() < began + period
        return began + period if is_first else by_the_clock(value, period)

    monkeypatch.setattr(core, "_get_window", window)


@pytest.fixture
def acme(db: None) -> Tenant:
    from tests.factories.accounts import TenantFactory

    return TenantFactory(slug="acme-test", name="Acme Test", tier="automate")


@pytest.fixture
def alice(acme: Tenant) -> Membership:
    """Owner of acme."""
    from tests.factories.accounts import MembershipFactory

    return MembershipFactory(tenant=acme, role="owner", user__email="alice@acme.example")


@pytest.fixture
def bob(acme: Tenant) -> Membership:
    """Member of acme."""
    from tests.factories.accounts import MembershipFactory

    return MembershipFactory(tenant=acme, role="member", user__email="bob@acme.example")


@pytest.fixture
def mallory(db: None) -> Membership:
    """Owner of another tenant."""
    from tests.factories.accounts import MembershipFactory

    return MembershipFactory(
        tenant__slug="malice",
        tenant__name="Malice Ltd",
        role="owner",
        user__email="mallory@malice.example",
    )


@pytest.fixture(scope="module")
def articles(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """All articles, for as long as this module runs: each load is most of a second."""
    from cliqtel_portal.docs.loading import load_articles

    with django_db_blocker.unblock(), transaction.atomic():
        load_articles()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def executor() -> Iterator[CountingExecutor]:
    """Executes `order_number` and, for the four-eyes rule, `release_number`."""
    from approvals import executors
    from tests.factories.approvals import ACTION, CountingExecutor

    kept = dict(executors._executors)
    counting = CountingExecutor()
    executors._executors.update({ACTION: counting, "release_number": counting})
    yield counting
    executors._executors.clear()
    executors._executors.update(kept)
