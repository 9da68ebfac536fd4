"""The one hop from the event loop to the ORM.

Outside Django's own handler nothing cleans up after a request: asgiref would run every ORM call
of the process on one thread, and connections would stay open. Here threads are bounded and each
call gives its connection back before the answer goes out.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import connections, reset_queries

_Params = ParamSpec("_Params")
_Returned = TypeVar("_Returned")


@functools.cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.MCP_THREADS, thread_name_prefix="mcp-tool")


async def run_sync(
    function: Callable[_Params, _Returned], /, *args: _Params.args, **kwargs: _Params.kwargs
) -> _Returned:
    """Run a synchronous function in a thread, with the caller's context variables.

    If the caller is cancelled the function still runs to its end: a write is one atomic function.
    """
    context = contextvars.copy_context()
    work = functools.partial(function, *args, **kwargs)
    call = functools.partial(context.run, _with_connection, work)
    return await asyncio.get_running_loop().run_in_executor(_executor(), call)


def _with_connection(work: Callable[[], _Returned]) -> _Returned:
    reset_queries()
    try:
        return work()
    finally:
        # With the pool this returns the connection; without, it closes it.
        connections.close_all()
