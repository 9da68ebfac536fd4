from __future__ import annotations

import uuid

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _own_rate_limits(settings: Settings) -> None:
    """Counters live in Valkey, beyond a test's rollback: each test has its own."""
    settings.RATELIMIT_CACHE_PREFIX = f"rl:{uuid.uuid4()}:"


@pytest.fixture
def sample_pages(settings: Settings) -> None:
    """`/numbers/` and others are pages with every component, whatever the portal has yet."""
    settings.ROOT_URLCONF = "tests.browser.sample_page"
