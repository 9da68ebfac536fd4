"""A worker's lines name what its task came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from celery.signals import before_task_publish, task_prerun

from approvals import tasks
from cliqtel_portal import task_log
from cliqtel_portal.celery import app


@pytest.fixture(autouse=True)
def _nothing_bound() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()


Published = Callable[[], dict[str, Any]]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Published:
    monkeypatch.setitem(app.conf, "task_always_eager", False)
    return _published


def _published() -> dict[str, Any]:
    """The headers that a real message takes along, put into Valkey and taken out again."""
    with app.connection_for_write() as connection:
        queue = connection.SimpleQueue("test-task-log")
        app.send_task("approvals.tasks.recover_lost", queue="test-task-log", connection=connection)
        message = queue.get(timeout=5)
        message.ack()
        queue.close()
    return dict(message.headers)


def task_with(headers: dict[str, Any]) -> Any:
    return SimpleNamespace(name="approvals.tasks.execute", request=SimpleNamespace(**headers))


def test_call_and_approval_travel_with_the_message_and_nothing_personal_does(published):
    structlog.contextvars.bind_contextvars(
        call="c-1", approval="a-1", request_id="r-1", ip="192.0.2.1", user_id="7"
    )
    headers = published()
    structlog.contextvars.bind_contextvars(tool="left over from the task before")
    task_log.bind(task_id="t-1", task=task_with(headers))
    assert structlog.contextvars.get_contextvars() == {
        "task": "approvals.tasks.execute",
        "task_id": "t-1",
        "call": "c-1",
        "approval": "a-1",
        "request_id": "r-1",
    }
    task_log.unbind()
    assert structlog.contextvars.get_contextvars() == {}


def test_what_beat_sends_comes_from_no_call(published):
    task_log.bind(task_id="t-2", task=task_with(published()))
    assert set(structlog.contextvars.get_contextvars()) == {"task", "task_id"}


def test_a_task_of_an_older_release_is_done_as_well():
    task_log.bind(task_id="t-3", task=task_with({}))
    assert set(structlog.contextvars.get_contextvars()) == {"task", "task_id"}


def test_only_workers_forget_what_was_bound_before():
    assert task_log.carry in [ref() for _, ref in before_task_publish.receivers]
    assert task_log.bind not in [ref() for _, ref in task_prerun.receivers]


def test_the_execution_of_an_approval_is_logged_with_its_id(monkeypatch):
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(
        tasks.execution,
        "execute_approval",
        lambda _: seen.append(structlog.contextvars.get_contextvars()),
    )
    tasks.execute("01990000-0000-7000-8000-000000000000")
    assert seen == [{"approval": "01990000-0000-7000-8000-000000000000"}]
