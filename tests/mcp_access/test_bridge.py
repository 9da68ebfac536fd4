"""The one hop to threads: parallel, and no connection stays out."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time

import pytest
from django.conf import settings
from django.db import connection, connections, transaction

from cliqtel_portal.accounts.models import Tenant
from mcp_access.bridge import run_sync
from tests.factories.accounts import TenantFactory

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")


def sessions() -> tuple[int, int]:
    """How many other sessions this database has, and how many of them hold a transaction open."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in transaction%%')"
            " FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()


def taken_from_pool() -> int:
    stats = connections["default"].pool.get_stats()
    return stats["pool_size"] - stats["pool_available"]


async def test_sixteen_slow_calls_run_beside_each_other() -> None:
    together = threading.Barrier(16)

    def meet() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            together.wait(timeout=20)
        return threading.current_thread().name

    threads = await asyncio.gather(*(run_sync(meet) for _ in range(16)))
    assert len(set(threads)) == 16


async def test_threads_are_bounded() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1

    await asyncio.gather(*(run_sync(work) for _ in range(40)))
    assert most == settings.MCP_THREADS == 16


async def test_the_loop_goes_on_meanwhile() -> None:
    went_on = threading.Event()
    call = asyncio.create_task(run_sync(went_on.wait, 20))
    await asyncio.sleep(0.01)
    went_on.set()
    assert await call


async def test_no_connection_stays_out_after_many_calls() -> None:
    def count() -> int:
        return Tenant.objects.count()

    def fail() -> None:
        with transaction.atomic():
            TenantFactory(slug="half-done")
            raise RuntimeError("in the middle")

    before, _ = await run_sync(sessions)
    for _ in range(100):
        assert await run_sync(count) == 0
    for _ in range(4):
        await asyncio.gather(*(run_sync(count) for _ in range(100)))
    failures = await asyncio.gather(*(run_sync(fail) for _ in range(50)), return_exceptions=True)
    assert {type(failure) for failure in failures} == {RuntimeError}
    after, in_transaction = await run_sync(sessions)
    # What stays is the pool's own: one a thread at most, whatever the number of calls.
    assert after <= before + settings.MCP_THREADS
    assert in_transaction == 0
    # The main thread's, and that of asgiref's own thread; none of the bridge's.
    assert taken_from_pool() <= 2
    assert await run_sync(count) == 0, "half a transaction was committed"


async def test_arguments_results_and_context_variables_cross() -> None:
    def work(one: int, *, two: int) -> tuple[int, str]:
        seen = colour.get()
        colour.set("changed in the thread")
        return one + two, seen

    colour.set("red")
    assert await run_sync(work, 1, two=2) == (3, "red")
    assert colour.get() == "red", "what the thread sets stays in its copy"


async def test_calls_do_not_see_each_others_context() -> None:
    async def caller(own: str) -> str:
        colour.set(own)
        await asyncio.sleep(0)
        return await run_sync(colour.get)

    own = [f"colour {number}" for number in range(40)]
    assert await asyncio.gather(*(caller(each) for each in own)) == own


async def test_exceptions_arrive_as_they_are() -> None:
    def fail() -> None:
        raise LookupError("as raised")

    with pytest.raises(LookupError, match="as raised"):
        await run_sync(fail)


async def test_a_failed_statement_does_not_poison_the_next_call() -> None:
    def break_it() -> None:
        connection.set_autocommit(False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    for _ in range(20):
        with pytest.raises(Exception, match="division by zero"):
            await run_sync(break_it)
        assert await run_sync(Tenant.objects.count) == 0


async def test_the_function_runs_to_its_end_when_the_caller_goes_away() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            begun.set()
            may_end.wait(5)
            TenantFactory(slug="written")

    call = asyncio.create_task(run_sync(write))
    while not begun.is_set():
        await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    may_end.set()
    for _ in range(500):
        if await run_sync(Tenant.objects.filter(slug="written").exists):
            return
        await asyncio.sleep(0.01)
    pytest.fail("the write was lost")
