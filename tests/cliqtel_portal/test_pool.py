from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from cliqtel_portal import pool
from mcp_access.bridge import run_sync

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


def end_the_pools_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'cliqtel-async'"
        )
        return int(cursor.fetchone()[0])


async def test_a_restarted_database_costs_nobody_a_request():
    assert await pool.fetch_one("SELECT 1", {}) == (1,)
    assert await run_sync(end_the_pools_connections) >= 1
    assert await pool.fetch_one("SELECT 2", {}) == (2,)


async def test_a_wrong_statement_is_not_tried_twice():
    with pytest.raises(psycopg.errors.UndefinedTable):
        await pool.execute("SELECT * FROM no_such_table", {})


async def test_rows_that_were_touched_are_counted():
    touched = await pool.execute("SELECT generate_series(1, %(upto)s)", {"upto": 3})
    assert touched == 3
