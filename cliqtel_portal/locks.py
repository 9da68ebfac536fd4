"""One at a time, across all processes: what two beats or two workers must not do at once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection

logger = logging.getLogger(__name__)


@contextmanager
def advisory_lock(name: str) -> Iterator[bool]:
    """Hold the lock of that name for the block; False, at once, where another session holds it.

    A PostgreSQL session lock: it spans transactions and dies with the process. The block must not
    close Django's connection, or the lock would go back to the pool with it.
    """
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        (acquired,) = cursor.fetchone()
    if not acquired:
        logger.info("%s is being done elsewhere", name)
        yield False
        return
    try:
        yield True
    finally:
        _release(name, key)


def _release(name: str, key: int) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
            (released,) = cursor.fetchone()
        if not released:
            logger.error("the lock %s was not held to its end", name)
    except DatabaseError:
        # A failed transaction around us, or a lost connection. A session lock survives a rollback
        # and a return to the pool, so the session itself has to end.
        if connection.connection is not None:
            connection.connection.close()
        connection.close()
