"""What a worker logs names the call, the approval and the request that its task came from."""

from __future__ import annotations

from typing import Any

import structlog
from celery.signals import before_task_publish, task_postrun, task_prerun, worker_init

# Ids of ours; whose address or name it was stays in the process that knows it.
_CARRIED = ("request_id", "call", "approval")
_HEADER = "cliqtel_log"


@before_task_publish.connect  # type: ignore[untyped-decorator]
def carry(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """The message takes along what the log of its sender says."""
    if headers is not None:
        bound = structlog.contextvars.get_contextvars()
        headers[_HEADER] = {name: bound[name] for name in _CARRIED if name in bound}


@worker_init.connect  # type: ignore[untyped-decorator]
def watch_tasks(**_: Any) -> None:
    """Only in workers: where a test runs a task at once, the sender's own log goes on."""
    task_prerun.connect(bind)
    task_postrun.connect(unbind)


def bind(task_id: str, task: Any, **_: Any) -> None:
    """Each line until the task's end says which task it is, and what it carries."""
    carried = getattr(task.request, _HEADER, None) or {}
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task=task.name, task_id=task_id, **carried)


def unbind(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()
