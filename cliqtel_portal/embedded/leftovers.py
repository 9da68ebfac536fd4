"""The server processes of a directory: those of a run that was killed, or of a deleted one.

A process is known by its working directory and its name, which neither a stale pid file nor a
reused pid can fake.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
_STEP_SECONDS = 0.01


def is_server(pid: int, name: str, directory: Path) -> bool:
    """Whether `pid` is a live process called `name` that works in `directory`."""
    try:
        where = (PROC / str(pid) / "cwd").readlink()
        called = (PROC / str(pid) / "comm").read_text().strip()
    except OSError:  # gone, a zombie, or another user's
        return False
    return called == name and str(where).removesuffix(" (deleted)") == str(directory)


def servers_in(directory: Path, name: str) -> list[int]:
    """All processes called `name` that work in `directory`, even if it was deleted since.

    Without /proc (macOS) none is found, and the servers' own pid files have to do.
    """
    if not PROC.is_dir():
        return []
    pids = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return sorted(pid for pid in pids if is_server(pid, name, directory))


def pid_in(file: Path) -> int | None:
    """The number in the first line of a pid file."""
    try:
        return int(file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def end(pids: Iterable[int], *signals: tuple[signal.Signals, float]) -> bool:
    """Send each signal in turn and give it its seconds; true when all have ended."""
    left = list(pids)
    for number, seconds in signals:
        for pid in left:
            _send(pid, number)
        deadline = time.monotonic() + seconds
        while left := [pid for pid in left if is_alive(pid)]:
            if time.monotonic() > deadline:
                break
            time.sleep(_STEP_SECONDS)
    return not left


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def is_alive(pid: int) -> bool:
    """Whether there is such a process, whoever's it is; a zombie is none."""
    try:
        os.kill(pid, 0)
        # A zombie ended long ago; in a container without an init nobody may ever collect it.
        state = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not PROC.is_dir()
    return state != "Z"
