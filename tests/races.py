"""Work done at the same moment, each on a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

from cliqtel_portal.errors import PortalError


def at_once(*work: Callable[[], Any]) -> tuple[list[Any], list[PortalError]]:
    """Return what those that came through returned, and the errors that the others met.

    Fails where a thread ended by anything but a PortalError, or not at all.
    """
    barrier = threading.Barrier(len(work))
    won: list[Any] = []
    lost: list[PortalError] = []

    def run(job: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=20)
            won.append(job())
        except PortalError as error:
            lost.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[job]) for job in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(won) + len(lost) == len(work), "a thread died of something else"
    return won, lost
