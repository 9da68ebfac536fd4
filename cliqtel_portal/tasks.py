"""Tasks of the stack itself."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_ready

from cliqtel_portal.health import mark_worker_seen


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def heartbeat() -> None:
    """`/readyz` sees that beat gives work and a worker does it."""
    mark_worker_seen()


@worker_ready.connect  # type: ignore[untyped-decorator]
def _on_worker_ready(**_: Any) -> None:
    """Don't wait for beat's first tick: a start would look broken for that long."""
    mark_worker_seen()
