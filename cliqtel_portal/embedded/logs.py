"""The servers' logs: `log/` in the data directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

_ROTATE_BYTES = 10 * 1024 * 1024


def open_log(log: Path) -> IO[bytes]:
    """Open for a server to append to; it inherits the file, so its user need not reach the path."""
    log.parent.mkdir(mode=0o700, exist_ok=True)
    if log.exists() and log.stat().st_size > _ROTATE_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    file = open(descriptor, "ab")  # noqa: SIM115 - the caller closes it
    file.seek(0, os.SEEK_END)
    return file


def log_end(log: Path, *, since: int = 0, lines: int = 12) -> str:
    """The last lines of what was written to `log` after byte `since`, indented for a message."""
    try:
        with log.open("rb") as file:
            file.seek(since)
            text = file.read().decode(errors="replace")
    except OSError as error:
        text = f"(unreadable: {error.strerror})"
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:])


def hint(said: str) -> str:
    """A few words on what the end of a log means for the person in front of it."""
    if any(words in said for words in ("No space left", "Disk quota", "Check free disk space")):
        return "the disk is full: free some space"
    if "incompatible with server" in said:
        return "another version of PostgreSQL made the cluster"
    if "Permission denied" in said or "Operation not permitted" in said:
        return "something is not permitted here; is the disk mounted noexec?"
    return "its log says why"
