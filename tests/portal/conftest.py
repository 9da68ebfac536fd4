"""One world for a module; the database's own fixture takes back what a test changes in it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker, Settings

from cliqtel_portal import celery  # noqa: F401 - so that tasks find its settings
from tests.portal.world import World, build, undone
from tests.snapshots import Snapshot, snapshot


@pytest.fixture(scope="session")
def _kept(
    _demo: Snapshot[str], django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Snapshot[World]:
    def make() -> World:
        _demo.restore()
        return build()

    with django_db_blocker.unblock(), undone():
        return snapshot(make)


@pytest.fixture(scope="module")
def _built(
    _kept: Snapshot[World], django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[World]:
    with django_db_blocker.unblock(), undone():
        yield _kept.restore()


@pytest.fixture
def world(_built: World, db: None, settings: Settings, tmp_path: Path) -> World:
    settings.RATELIMIT_CACHE_PREFIX = f"rl:{uuid.uuid4()}:"
    settings.EXPORT_DIR = tmp_path
    return _built
