"""Pytest plugin: a real daphne on a real socket, over the test database."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection, connections

from cliqtel_portal.pool import close_pools

START_SECONDS = 60
# One that waits for a thread or a socket never stops; a busy machine takes some seconds.
STOP_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Web:
    """One web process. `pid` is daphne's own."""

    origin: str
    pid: int

    @property
    def mcp(self) -> str:
        return f"{self.origin}/mcp"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def child_environment(**environment: str) -> dict[str, str]:
    """Of a process that works on the test database."""
    target = connection.settings_dict
    dsn = (
        f"postgres://{target['USER']}:{target['PASSWORD']}@{target['HOST']}:{target['PORT']}"
        f"/{target['NAME']}"
    )
    return {
        **os.environ,
        "DATABASE_URL": dsn,
        "DJANGO_SETTINGS_MODULE": "cliqtel_portal.settings.test",
        "VALKEY_PREFIX": settings.VALKEY_PREFIX,
        **environment,
    }


@contextmanager
def daphne(*, port: int | None = None, **environment: str) -> Iterator[Web]:
    """Start daphne over the test database; stop it, gently first, at the end."""
    port = port or free_port()
    command = [sys.executable, "-W", "ignore", "-m", "daphne", "-b", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(
        [*command, "--no-server-name", "cliqtel_portal.asgi:application"],
        env=child_environment(**environment),
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_until_up(process, port)
        yield Web(origin=f"http://127.0.0.1:{port}", pid=process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            pytest.fail(f"daphne did not stop within {STOP_SECONDS} s of SIGTERM")


def _wait_until_up(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"daphne ended at start with {process.returncode}")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("daphne did not listen in time")


@pytest.fixture(scope="session")
def web(django_db_setup: None, django_db_blocker: Any) -> Iterator[Web]:
    """One daphne for all wire tests of this worker."""
    with django_db_blocker.unblock():
        server = daphne()
        running = server.__enter__()
    yield running
    server.__exit__(None, None, None)


Post = Callable[..., httpx2.Response]


@pytest.fixture
def post(web: Web) -> Iterator[Post]:
    """`post(token, method, params)`: one JSON-RPC request of the 2025-11-25 kind."""
    with httpx2.Client(timeout=30) as client:

        def send(
            token: str | None, method: str, params: dict[str, Any] | None = None, **options: Any
        ) -> httpx2.Response:
            headers = {
                "accept": "application/json, text/event-stream",
                "content-type": "application/json",
                "mcp-protocol-version": "2025-11-25",
                **options.pop("headers", {}),
            }
            if token is not None:
                headers["authorization"] = f"Bearer {token}"
            headers = {name: value for name, value in headers.items() if value is not None}
            message: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": method}
            if params is not None:
                message["params"] = params
            content = options.pop("content", None)
            body = json.dumps(message) if content is None else content
            url = options.pop("url", web.mcp)
            return client.post(url, headers=headers, content=body, **options)

        yield send


def eventually(condition: Callable[[], bool], *, seconds: float = 5) -> bool:
    """Whether the condition comes true in time: for what a server does after its answer."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(scope="session", autouse=True)
async def _connections_are_closed(django_db_setup: None) -> AsyncIterator[None]:
    """Or a connection left open would keep the test database from being dropped."""
    yield
    await close_pools()
    await sync_to_async(connections.close_all)()
