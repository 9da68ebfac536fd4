from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from audit import tasks
from audit.models import ToolCall
from cliqtel_portal.locks import advisory_lock
from tests.factories.audit import make_call


@pytest.mark.django_db
def test_the_task_closes_interrupted_calls(caplog):
    row = make_call(at=timezone.now() - timedelta(hours=1))
    tasks.close_interrupted_calls()
    assert ToolCall.objects.get(pk=row.pk).error_code == "interrupted"
    assert "closed 1 interrupted tool calls" in caplog.text


@pytest.mark.django_db
def test_the_task_makes_the_partitions_again_without_a_word(caplog):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(inhrelid::regclass::text) FROM pg_inherits"
            " WHERE inhparent = 'mcp_tool_calls'::regclass"
            " AND inhrelid::regclass::text <> 'mcp_tool_calls_default'"
        )
        (last,) = cursor.fetchone()
        cursor.execute(f"DROP TABLE {last}")
        with caplog.at_level(logging.WARNING):
            tasks.keep_partitions_ahead()
            tasks.keep_partitions_ahead()
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [last])
        assert cursor.fetchone() == (True,)
    assert caplog.text == ""


@pytest.mark.django_db
def test_rows_outside_every_month_are_an_error_in_the_log(caplog):
    make_call(at=datetime(2041, 5, 5, tzinfo=UTC))
    tasks.keep_partitions_ahead()
    (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "mcp_tool_calls_default holds rows" in error.getMessage()


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_what_another_worker_does_already_is_left_to_it():
    row = make_call(at=timezone.now() - timedelta(hours=1))
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with advisory_lock("audit.close_interrupted_calls"):
                held.set()
                done.wait(20)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        holding = other.submit(hold)
        held.wait(20)
        tasks.close_interrupted_calls()
        assert ToolCall.objects.get(pk=row.pk).status == "running"
        done.set()
        holding.result(timeout=20)
    tasks.close_interrupted_calls()
    assert ToolCall.objects.get(pk=row.pk).status == "error"


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_making_a_partition_gives_way_to_a_long_read():
    """Or every call would queue behind the lock that it waits for."""
    month = f"mcp_tool_calls_{timezone.now() + timedelta(days=85):%Y_%m}"

    def make() -> None:
        try:
            tasks.keep_partitions_ahead()
        finally:
            connection.close()

    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {month}")
    try:
        with ThreadPoolExecutor(1) as other, transaction.atomic():
            ToolCall.objects.count()  # holds its lock until our commit
            with pytest.raises(OperationalError, match="lock timeout"):
                other.submit(make).result(timeout=20)
    finally:
        make()
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [month])
        assert cursor.fetchone() == (True,)
