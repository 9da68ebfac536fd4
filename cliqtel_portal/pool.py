"""The asynchronous way to the database, for what runs on every request before any tool.

Authentication and the audit's two doors are one SQL statement each; the ORM and a thread would
cost more than the statement. One pool per event loop: daphne has one, tests have one for the run.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import connections
from psycopg import AsyncConnection, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

_Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]
_pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool] = weakref.WeakKeyDictionary()
_opening: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
    weakref.WeakKeyDictionary()
)

_ACQUIRE_SECONDS = 10.0
# None: it broke on the way. Else: the server is shutting down, crashed, or is not up yet.
_CONNECTION_LOST = frozenset({None, "57P01", "57P02", "57P03"})


def _conninfo() -> str:
    """Django's own target, read at first use: the test runner changes the name at run time."""
    configured = connections["default"].settings_dict
    parameters = {
        "dbname": configured["NAME"],
        "user": configured["USER"],
        "password": configured["PASSWORD"],
        "host": configured["HOST"],
        "port": configured["PORT"],
    }
    options = configured.get("OPTIONS", {})
    for name in ("sslmode", "sslrootcert", "sslcert", "sslkey", "options", "service"):
        if name in options:
            parameters[name] = options[name]
    return make_conninfo(
        application_name="cliqtel-async", **{key: val for key, val in parameters.items() if val}
    )


def is_database_away(error: BaseException | None) -> bool:
    """Whether it came of a database that can't be reached or has no connection left to give."""
    while error is not None:
        if isinstance(error, OperationalError) and error.sqlstate in _CONNECTION_LOST:
            return True
        error = error.__cause__  # Django's own stands above the driver's
    return False


async def _pool() -> _Pool:
    loop = asyncio.get_running_loop()
    pool = _pools.get(loop)
    if pool is not None:
        return pool
    lock = _opening.setdefault(loop, asyncio.Lock())
    async with lock:
        if loop not in _pools:
            pool = AsyncConnectionPool(
                _conninfo(),
                min_size=1,
                max_size=settings.MCP_POOL_MAX,
                max_idle=60,
                timeout=_ACQUIRE_SECONDS,
                kwargs={"autocommit": True},
                open=False,
                name="cliqtel",
            )
            await pool.open()
            _pools[loop] = pool
    return _pools[loop]


async def fetch_one(statement: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Run one statement in a transaction of its own; return its first row."""
    row, _ = await _run(statement, parameters)
    return row


async def execute(statement: str, parameters: Mapping[str, Any]) -> int:
    """Run one statement in a transaction of its own; return how many rows it touched."""
    _, touched = await _run(statement, parameters)
    return touched


async def _run(statement: str, parameters: Mapping[str, Any]) -> tuple[tuple[Any, ...] | None, int]:
    """Once more where the connection turns out to be dead, as all are after a restart.

    Asking each connection whether it lives before each statement would cost a round trip. Every
    statement here may run twice: rows carry their own ids, so a second insert fails as a whole.
    """
    pool = await _pool()
    try:
        return await _run_once(pool, statement, parameters)
    except OperationalError as error:
        if error.sqlstate not in _CONNECTION_LOST:
            raise
        await pool.check()
        return await _run_once(pool, statement, parameters)


async def _run_once(
    pool: _Pool, statement: str, parameters: Mapping[str, Any]
) -> tuple[tuple[Any, ...] | None, int]:
    async with pool.connection() as connection:
        cursor = await connection.execute(statement, parameters)
        row: tuple[Any, ...] | None = await cursor.fetchone() if cursor.description else None
        return row, int(cursor.rowcount)


async def close_pools() -> None:
    """Close this event loop's pool; the next statement opens a new one."""
    pool = _pools.pop(asyncio.get_running_loop(), None)
    if pool is not None:
        await pool.close()
