"""A program, not a test: workers that kill themselves at a named point, with SIGKILL.

Each line of standard input is a job; a child process of its own does it, and its exit status is
answered. The parent never opens the database. Nothing that a worker would enqueue is delivered:
what it leaves behind is found by the scans or not at all.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
import uuid
from collections.abc import Callable
from typing import Any

import django
from celery.app.task import Task
from django.utils.module_loading import import_string


def _lost(*args: object, **options: object) -> None:
    """In place of a message to another worker."""


def dies_at(point: str, when: str) -> None:
    """`module:name` or `module:Class.name`; `when`: before or after it."""
    module, _, path = point.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_string(".".join([module, *owners])) if owners else sys.modules[module]
    real: Callable[..., Any] = getattr(owner, name)

    def fatal(*args: Any, **options: Any) -> None:
        if when == "after":
            real(*args, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, fatal)


def work(line: str) -> None:
    job = json.loads(line)
    do = import_string(job["do"])
    if job["point"]:
        dies_at(job["point"], job["when"])
    do(uuid.UUID(job["id"]))


def _answer(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def main() -> None:
    django.setup()
    Task.apply_async = _lost
    _answer("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                work(line)
            except BaseException:  # noqa: BLE001 - it must not become a parent
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        _answer(str(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    main()
