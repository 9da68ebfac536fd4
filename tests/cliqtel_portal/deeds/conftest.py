"""Workers that die at a point of their own choosing, and the scans that come after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.utils import timezone

from approvals import tasks as approval_tasks
from approvals.models import Approval
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here, as the settings say
from cliqtel_portal.carriers import tasks as carrier_tasks
from cliqtel_portal.carriers.models import CarrierOperation

Kill = Callable[..., int]
Restart = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="session")
def workers(django_db_setup: None, django_db_blocker) -> Iterator[subprocess.Popen[str]]:
    with django_db_blocker.unblock():
        target = connection.settings_dict
    dsn = (
        f"postgres://{target['USER']}:{target['PASSWORD']}@{target['HOST']}:{target['PORT']}"
        f"/{target['NAME']}"
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.cliqtel_portal.deeds.worker_to_kill"],
        env={
            **os.environ,
            "DATABASE_URL": dsn,
            "DJANGO_SETTINGS_MODULE": "cliqtel_portal.settings.test",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    yield process
    process.communicate(timeout=10)


@pytest.fixture
def kill(workers) -> Kill:
    """`kill("module.function", id, point, when)`: a worker does it until it dies; its status."""

    def run(do, identifier, point="", when="") -> int:
        job = {"do": do, "id": str(identifier), "point": point, "when": when}
        workers.stdin.write(json.dumps(job) + "\n")
        workers.stdin.flush()
        return int(workers.stdout.readline())

    return run


@pytest.fixture
def lost_messages(monkeypatch) -> None:
    """No worker hears of what is enqueued here: the one that dies is the only one."""
    for task in (approval_tasks.execute, carrier_tasks.perform):
        monkeypatch.setattr(task, "delay", lambda *args: None)


@pytest.fixture
def restart(monkeypatch) -> Restart:
    """`restart(is_settled)`: the beats of a new worker, when everything that can be due is."""

    def run(is_settled: Callable[[], bool]) -> None:
        monkeypatch.undo()  # messages arrive again
        deadline = time.monotonic() + 10
        while not is_settled():
            assert time.monotonic() < deadline, "it was not taken up again"
            now = timezone.now()
            CarrierOperation.objects.filter(state="pending").update(due_at=now)
            Approval.objects.filter(status__in=["approved", "executing"]).update(due_at=now)
            carrier_tasks.recover_due()
            approval_tasks.recover_lost()

    return run
