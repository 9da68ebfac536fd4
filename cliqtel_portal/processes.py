"""Keeps the processes of a development stack running, and stops all of them at once.

Run as a script, this file is the shim that each child starts through; see `_become`.
"""

from __future__ import annotations

import ctypes
import errno
import math
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

ADDRESS = "127.0.0.1"
FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 30.0
# A child that lived this long was healthy: its next failure is a new one.
HEALTHY_AFTER_SECONDS = 60.0
STOP_SECONDS = 4.0
# One Ctrl-C may come twice: from the terminal, and passed on by make or another parent.
_ECHO_SECONDS = 0.5
# How often what stands beside the children is looked after.
LOOK_SECONDS = 2.0
# SIGHUP: the terminal was closed.
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Child:
    """A process to keep running.

    `env` is its whole environment (None: ours). After SIGTERM it has `grace_seconds` to end by
    itself, `STOP_SECONDS` at most.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    grace_seconds: float = STOP_SECONDS


def supervise(
    children: Sequence[Child],
    *,
    on_ready: Callable[[], object] | None = None,
    look_after: Callable[[], str] | None = None,
) -> int:
    """Keep the children running until we are told to stop; none is left, and the result is 0.

    One that ends is started again, after a wait that doubles from 1 s to 30 s, and stderr says so.
    SIGINT, SIGTERM and SIGHUP stop all; Ctrl-C once more does not wait for them. `on_ready` is
    called once all have been started, in a thread of its own, so it may wait for one to listen.
    `look_after` is called every `LOOK_SECONDS`; stderr says what it returns, if anything.

    To be called in the main thread: signals arrive there, and Linux ends the children with the
    thread that started them.
    """
    kept = [_Kept(child) for child in children]
    with _signals() as signals:
        try:
            for one in kept:
                one.start()
            if on_ready is not None:
                threading.Thread(target=on_ready, name="on_ready", daemon=True).start()
            next_look = time.monotonic() + LOOK_SECONDS if look_after else math.inf
            while not signals.stops:
                signals.wait(until=min([next_look, *(one.due for one in kept if one.due)]))
                if look_after and next_look <= time.monotonic():
                    if said := look_after():
                        print(said, file=sys.stderr, flush=True)  # noqa: T201
                    next_look = time.monotonic() + LOOK_SECONDS
                for one in kept:
                    if one.has_ended():
                        print(one.plan_restart(), file=sys.stderr, flush=True)  # noqa: T201
                    if one.due and one.due <= time.monotonic():
                        one.start()
            _stop(kept, signals)
        finally:
            for one in kept:
                one.kill()
    return 0


def free_port(preferred: int) -> tuple[bool, int]:
    """Whether `preferred` is free on 127.0.0.1, and the next port after it that is.

    Raises: OSError when there is none after it.
    """
    for port in range(preferred + 1, 65536):
        if _is_free(port):
            return _is_free(preferred), port
    raise OSError(errno.EADDRINUSE, f"no free port after {preferred}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections of a server that has just stopped don't keep the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
            probe.listen()
        except OSError:
            return False
    return True


class _Kept:
    """A child's present process, or when it is due to have one again (monotonic clock)."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.due: float | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._backoff = FIRST_BACKOFF_SECONDS
        self._ending = ""

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Run it, in a process group of its own: Ctrl-C in the terminal reaches only us."""
        self.due = None
        self._started = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", __file__, str(os.getpid()), *self.child.argv],
            env=self.child.env,
            stdin=subprocess.DEVNULL,
            process_group=0,
        )

    def has_ended(self) -> bool:
        """Whether it ended since the last look; what it left in its group ends with it."""
        process = self._process
        if process is None or process.poll() is None:
            return False
        _kill_group(process.pid)
        self._process = None
        self._ending = _ending(process.returncode)
        return True

    def plan_restart(self) -> str:
        """It is due again; returns what to tell the person."""
        lived = time.monotonic() - self._started
        if lived >= HEALTHY_AFTER_SECONDS:
            self._backoff = FIRST_BACKOFF_SECONDS
        self.due = time.monotonic() + self._backoff
        text = (
            f"{self.child.name} {self._ending} after {lived:.1f} s,"
            f" starting it again in {self._backoff:g} s"
        )
        self._backoff = min(self._backoff * 2, LONGEST_BACKOFF_SECONDS)
        return text

    def terminate(self) -> None:
        """Ask it to end.

        It alone, not its group: a Celery worker waits for its running tasks on SIGTERM, but the
        pool processes that run them would die of one.
        """
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """End it with all it started."""
        if self._process is not None:
            _kill_group(self._process.pid)
            self._process.wait()
            self._process = None


class _Signals:
    """Wakes the loop when a child ended or a stop was asked for, without polling."""

    def __init__(self, reader: socket.socket) -> None:
        self._reader = reader
        self.stops: list[tuple[int, float]] = []

    @property
    def is_impatient(self) -> bool:
        """Ctrl-C was pressed once more."""
        return any(
            number == signal.SIGINT and when - self.stops[0][1] > _ECHO_SECONDS
            for number, when in self.stops[1:]
        )

    def wait(self, *, until: float) -> None:
        seconds = None if until == math.inf else max(0.0, until - time.monotonic())
        if select.select([self._reader], [], [], seconds)[0]:
            with suppress(BlockingIOError):
                while self._reader.recv(4096):
                    pass

    def handle(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self.stops.append((number, time.monotonic()))


@contextmanager
def _signals() -> Iterator[_Signals]:
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        signals = _Signals(reader)
        wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        # Under nohup SIGHUP is ignored, and stays so.
        handled = [s for s in _STOP_SIGNALS if signal.getsignal(s) is not signal.SIG_IGN]
        before = {s: signal.signal(s, signals.handle) for s in (signal.SIGCHLD, *handled)}
        try:
            yield signals
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakeup)


def _stop(kept: Sequence[_Kept], signals: _Signals) -> None:
    """All end: those that are asked and don't are killed when their time is up."""
    began = time.monotonic()
    deadlines = {one: began + min(one.child.grace_seconds, STOP_SECONDS) for one in kept}
    for one in kept:
        one.terminate()
    while True:
        for one in kept:
            if not one.has_ended() and deadlines[one] <= time.monotonic():
                one.kill()
        running = [deadlines[one] for one in kept if one.is_running]
        if not running or signals.is_impatient:
            return
        signals.wait(until=min(running))


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _ending(returncode: int) -> str:
    if returncode < 0:
        return f"was ended by {signal.Signals(-returncode).name}"
    return f"exited with code {returncode}"


def _become(supervisor: int, argv: Sequence[str]) -> None:
    """Replace this process by `argv`, which gets SIGTERM when the supervisor dies.

    A supervisor that is killed with -9 can stop nobody, so the kernel has to (Linux only). The
    request survives exec, not fork, hence this step between the two; `preexec_fn` would do it too,
    but can deadlock in a process with threads.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != supervisor:  # it died before the request
            return
    try:
        os.execvp(argv[0], list(argv))  # noqa: S606
    except OSError as error:
        sys.exit(f"{argv[0]}: {error.strerror}")


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
