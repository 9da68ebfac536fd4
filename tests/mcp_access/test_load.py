"""Many calls at once, and a process that dies in the middle."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from django.conf import settings
from django.db import connection

from audit.models import MonthlyUsage, ToolCall
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.embedded.valkey import Valkey
from tests.factories.mcp_access import make_token
from tests.wire import daphne, eventually

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

MESSAGE = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami"}}


@pytest.fixture
def token(alice) -> str:
    Tenant.objects.update(burst_per_minute=100_000)
    return make_token(alice)[1]


def call(client: httpx2.Client, url: str, token: str) -> int:
    """The HTTP status, or 0 where the process died under the call."""
    headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
    try:
        answer = client.post(url, json=MESSAGE, headers=headers)
    except httpx2.TransportError:
        return 0
    assert answer.status_code != 200 or answer.json()["result"]["isError"] is False
    return answer.status_code


def connections_of_the_database() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'cliqtel%%' AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def counted_rows() -> int:
    return ToolCall.objects.filter(counted=True).count()


def test_two_hundred_calls_at_once_all_succeed_and_leak_nothing(token):
    # The client's connections are open still when the process is to stop, which `daphne` sees to.
    with httpx2.Client(timeout=60) as client, daphne() as web:
        before = connections_of_the_database()
        with ThreadPoolExecutor(200) as threads:
            statuses = list(threads.map(lambda _: call(client, web.mcp, token), range(200)))
        assert statuses == [200] * 200
        # The pools may keep what they opened; what counts is that it is bounded.
        most = before + settings.MCP_THREADS + 4 + settings.MCP_POOL_MAX
        assert connections_of_the_database() <= most
        with ThreadPoolExecutor(50) as threads:
            list(threads.map(lambda _: call(client, web.mcp, token), range(200)))
        assert connections_of_the_database() <= most
    assert eventually(lambda: connections_of_the_database() <= before)
    assert MonthlyUsage.objects.get().calls == counted_rows() == 400
    assert not ToolCall.objects.exclude(status="ok").exists()


def test_the_month_equals_the_log_after_a_kill(token):
    with (
        daphne() as victim,
        httpx2.Client(timeout=10) as client,
        ThreadPoolExecutor(32) as threads,
    ):
        running = [threads.submit(call, client, victim.mcp, token) for _ in range(200)]
        while sum(one.done() for one in running) < 20:
            time.sleep(0.005)
        os.kill(victim.pid, signal.SIGKILL)
        statuses = [one.result() for one in running]
    assert 0 in statuses, "it was killed in the middle"
    assert 200 in statuses
    assert MonthlyUsage.objects.get().calls == counted_rows()
    assert counted_rows() >= statuses.count(200)


def test_calls_go_on_and_stay_counted_while_valkey_restarts(token, tmp_path):
    (tmp_path / "log").mkdir()
    valkey = Valkey(tmp_path)
    try:
        with daphne(VALKEY_URL=valkey.ensure()) as web, httpx2.Client(timeout=10) as client:
            statuses = [call(client, web.mcp, token) for _ in range(5)]
            os.kill(int((tmp_path / "valkey" / "valkey.pid").read_text()), signal.SIGKILL)
            statuses += [call(client, web.mcp, token) for _ in range(5)]
            valkey.ensure()
            statuses += [call(client, web.mcp, token) for _ in range(5)]
    finally:
        valkey.stop()
    assert statuses == [200] * 15
    assert MonthlyUsage.objects.get().calls == counted_rows() == 15
