"""Who uses the servers, and who may start or stop them.

The kernel drops a `flock` with its process, so nothing is stale after a kill -9. Python opens files
close-on-exec, so a server started under a lock does not keep it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path) -> Iterator[int]:
    """Hold the lock on `path`, waiting for whoever has it; a child may inherit the descriptor."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # The directory may have been deleted and made again while we waited: then this is the
            # lock of a past one and guards nothing.
            if _is_at(descriptor, path):
                yield descriptor
                return
        finally:
            os.close(descriptor)


@contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Whether nobody else is inside such a block for `path`; nobody waits."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _is_taken_alone(descriptor)
    finally:
        os.close(descriptor)


class Membership:
    """One user of the servers; to be made and left by the holder of the start/stop lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self.is_first = self._has_no_others()
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def leave(self) -> bool:
        """End the membership; true if nobody else is left and the servers are ours to stop.

        If the data directory was deleted and made anew meanwhile, what runs there is another's.
        """
        try:
            is_replaced = self._path.parent.exists() and not _is_at(self._descriptor, self._path)
            return self._has_no_others() and not is_replaced
        finally:
            os.close(self._descriptor)

    def _has_no_others(self) -> bool:
        return _is_taken_alone(self._descriptor)


def _is_taken_alone(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
