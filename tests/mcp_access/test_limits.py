"""How much may be called: whose limits, and an exact moving minute, also without Valkey."""

from __future__ import annotations

import asyncio
import logging
import uuid
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings as django_settings
from pytest_django import Settings

from cliqtel_portal.accounts.models import Tenant
from mcp_access import limits
from mcp_access.limits import TenantLimits, hit_burst, limits_of
from tests.wire import free_port

START = datetime(2026, 7, 28, 12, tzinfo=UTC)


@pytest.fixture
def key() -> str:
    return f"call:{uuid.uuid4()}"


@pytest.fixture
def real_url() -> str:
    return django_settings.VALKEY_URL


@pytest.fixture(autouse=True)
async def _own_windows(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """As in a process that has just started, and nothing left open after it."""
    made: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, limits._Windows]
    made = weakref.WeakKeyDictionary()
    monkeypatch.setattr(limits, "_windows", made)
    yield
    for windows in made.values():
        await windows.shared.storage.bridge.get_connection().aclose()


@pytest.fixture
def closed_port(settings: Settings) -> int:
    """Where Valkey should be and nothing answers."""
    port = free_port()
    named = urlsplit(settings.VALKEY_URL)
    netloc = named.netloc.replace(f":{named.port}", f":{port}")
    settings.VALKEY_URL = named._replace(netloc=netloc).geturl()
    return port


@asynccontextmanager
async def relay(port: int, target: str) -> AsyncIterator[None]:
    """Let the server of the URL `target` answer on `port` too."""
    there = urlsplit(target)
    writers = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while data := await reader.read(4096):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(there.hostname, there.port)
        await asyncio.gather(pump(reader, upstream_writer), pump(upstream_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tier": "discover"}, (60, 10_000, True, 1)),
        ({"tier": "automate"}, (300, 100_000, False, 5)),
        ({"tier": "embed"}, (1_000, None, False, None)),
        ({"tier": "discover", "burst_per_minute": 7}, (7, 10_000, True, 1)),
        ({"tier": "discover", "calls_per_month": 3}, (60, 3, True, 1)),
        ({"tier": "automate", "connections": 0}, (300, 100_000, False, 0)),
        (
            {"tier": "embed", "burst_per_minute": 9_000, "calls_per_month": 5, "connections": 2},
            (9_000, 5, False, 2),
        ),
    ],
)
def test_limits_are_the_tiers_unless_staff_set_others(
    fields: dict[str, object], expected: tuple[int, int | None, bool, int | None]
) -> None:
    burst, month, is_hard, connections = expected
    assert limits_of(Tenant(**fields)) == TenantLimits(
        burst_per_minute=burst,
        calls_per_month=month,
        month_is_hard=is_hard,
        connections=connections,
    )


async def test_the_limit_is_exact_and_the_rest_is_counted_down(key: str) -> None:
    hits = [await hit_burst(key, 5) for _ in range(7)]
    assert [hit.allowed for hit in hits] == [True] * 5 + [False] * 2
    assert [hit.remaining for hit in hits] == [4, 3, 2, 1, 0, 0, 0]
    assert {hit.limit for hit in hits} == {5}
    assert [hit.retry_after_seconds for hit in hits[:5]] == [0] * 5
    assert all(59 <= hit.retry_after_seconds <= 61 for hit in hits[5:])


async def test_of_many_at_once_exactly_the_limit_passes(key: str) -> None:
    hits = await asyncio.gather(*(hit_burst(key, 30) for _ in range(80)))
    assert sum(hit.allowed for hit in hits) == 30


async def test_keys_do_not_share_a_window(key: str) -> None:
    assert (await hit_burst(key, 1)).allowed
    assert not (await hit_burst(key, 1)).allowed
    assert (await hit_burst(f"{key}-other", 1)).allowed


async def test_the_window_slides(key: str) -> None:
    """A fixed minute would let twice the limit pass around its turn."""
    with time_machine.travel(START, tick=False) as clock:
        assert (await hit_burst(key, 3)).allowed  # at 0 s
        clock.shift(40)
        assert (await hit_burst(key, 3)).allowed  # at 40 s
        assert (await hit_burst(key, 3)).allowed
        assert not (await hit_burst(key, 3)).allowed
        clock.shift(21)
        assert (await hit_burst(key, 3)).allowed, "at 61 s only the first has left the window"
        refused = await hit_burst(key, 3)
        assert not refused.allowed
        assert 39 <= refused.retry_after_seconds <= 41
        clock.shift(refused.retry_after_seconds)
        assert (await hit_burst(key, 3)).allowed, "whoever waits as told gets through"


async def test_a_refused_call_does_not_prolong_the_wait(key: str) -> None:
    with time_machine.travel(START, tick=False) as clock:
        assert (await hit_burst(key, 1)).allowed
        for _ in range(5):
            clock.shift(10)
            assert not (await hit_burst(key, 1)).allowed
        clock.shift(11)
        assert (await hit_burst(key, 1)).allowed


async def test_without_valkey_calls_go_on_within_a_fraction(
    key: str, closed_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    hits = [await hit_burst(key, 40) for _ in range(12)]
    assert [hit.allowed for hit in hits] == [True] * 10 + [False] * 2
    assert {hit.limit for hit in hits} == {10}
    assert 1 <= hits[-1].retry_after_seconds <= 61
    told = [record for record in caplog.records if "Valkey does not answer" in record.message]
    assert len(told) == 1, "and not once for each call"


async def test_without_valkey_the_smallest_limit_still_lets_one_pass(
    key: str, closed_port: int
) -> None:
    assert [(await hit_burst(key, 1)).allowed for _ in range(2)] == [True, False]


async def test_valkey_may_go_away_and_come_back(key: str, real_url: str, closed_port: int) -> None:
    assert (await hit_burst(key, 8)).limit == 2
    windows = limits._windows[asyncio.get_running_loop()]
    async with relay(closed_port, real_url):
        assert (await hit_burst(key, 8)).limit == 2, "not asked again by every call"
        windows.shared_is_down_until = 0.0
        assert (await hit_burst(key, 8)).limit == 8
    assert (await hit_burst(key, 8)).limit == 2
    windows.shared_is_down_until = 0.0
    async with relay(closed_port, real_url):
        assert (await hit_burst(key, 8)).remaining == 6, "it still knows the call of before"
