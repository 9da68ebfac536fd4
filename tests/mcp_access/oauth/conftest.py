"""Every test is its own stranger to the doors' counters."""

from __future__ import annotations

import uuid

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _own_rate_limits(settings: Settings) -> None:
    settings.RATELIMIT_CACHE_PREFIX = f"rl:{uuid.uuid4()}:"
