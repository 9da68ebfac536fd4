"""Against typing errors in the timetable: beat sends any name, and only the worker notices."""

from __future__ import annotations

import socket

import pytest
from kombu.exceptions import OperationalError

from cliqtel_portal import health
from cliqtel_portal.celery import app


def test_every_entry_of_the_timetable_names_a_task_that_there_is():
    app.loader.import_default_modules()
    wanted = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert len(wanted) >= 3
    assert wanted - set(app.tasks) == set()


def test_repeats_that_waited_out_an_outage_expire():
    assert all(entry["options"]["expires"] for entry in app.conf.beat_schedule.values())


@pytest.mark.parametrize("task", ["verify_newest_calls", "retire_old_months"])
def test_what_reads_days_or_months_of_the_log_may_take_longer_than_other_tasks(task):
    (entry,) = [e for e in app.conf.beat_schedule.values() if e["task"] == f"audit.tasks.{task}"]
    assert entry["options"]["time_limit"] > app.conf.task_time_limit


def test_the_heartbeat_comes_often_enough_for_readiness():
    beats = [
        entry["schedule"]
        for entry in app.conf.beat_schedule.values()
        if entry["task"] == "cliqtel_portal.tasks.heartbeat"
    ]
    assert len(beats) == 1
    # Two may be lost before /readyz says that no worker is there.
    assert beats[0] * 3 < health.WORKER_SEEN_SECONDS


def test_a_broker_that_never_answers_holds_no_sender_for_good():
    options = dict(app.conf.broker_transport_options)
    assert options["socket_timeout"] <= 5
    options |= {"socket_timeout": 0.1}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with (
            app.connection_for_write(url, transport_options=options) as broker,
            pytest.raises(OperationalError, match="Timeout"),
        ):
            broker.ensure_connection(max_retries=1, interval_start=0)
