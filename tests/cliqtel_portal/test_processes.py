"""The supervisor: restarts, one clean stop, nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cliqtel_portal.processes import ADDRESS, free_port

REPOSITORY = Path(__file__).resolve().parents[2]
_PREAMBLE = """
import sys, time
from pathlib import Path
from cliqtel_portal import processes
from cliqtel_portal.processes import Child, supervise
processes.FIRST_BACKOFF_SECONDS, processes.LONGEST_BACKOFF_SECONDS = 0.05, 0.2
here = Path(sys.argv[1])
def ready():
    print("ready", flush=True)
def python(code):
    return [sys.executable, "-I", "-S", "-c", "import os, signal, sys, time\\n" + code]
"""
# Says where it is once it can take signals, and leaves on SIGTERM after a moment's work.
_POLITE = """
def leave(*_):
    time.sleep(0.3)
    open("polite.left", "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
open("polite.pid", "w").write(str(os.getpid()))
while True:
    time.sleep(60)
"""
_STUBBORN = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("stubborn.pid", "w").write(str(os.getpid()))
while True:
    time.sleep(60)
"""

Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a supervisor in a process group of its own, with `tmp_path` as working directory."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _PREAMBLE + code, str(tmp_path)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=10)


def _wait_for(path: Path) -> str:
    deadline = time.monotonic() + 20
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline, f"{path.name} did not come"
        time.sleep(0.01)
    return path.read_text()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def _ends(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not _is_alive(pid)


def _supervise(*children: str, more: str = "") -> str:
    return f"sys.exit(supervise([{', '.join(children)}]{more}))"


POLITE = f"Child('polite', python({_POLITE!r}))"


def _stubborn(*, grace_seconds: float) -> str:
    return f"Child('stubborn', python({_STUBBORN!r}), grace_seconds={grace_seconds})"


def test_a_child_that_ends_is_started_again_after_ever_longer_waits(start: Start) -> None:
    supervisor = start(_supervise("Child('web', ['sh', '-c', 'exit 3'])"))
    assert supervisor.stderr is not None
    lines = [supervisor.stderr.readline() for _ in range(5)]
    waits = []
    for line in lines:
        said = re.fullmatch(
            r"web exited with code 3 after \d\.\d s, starting it again in (.+) s\n", line
        )
        assert said, line
        waits.append(said[1])
    assert waits == ["0.05", "0.1", "0.2", "0.2", "0.2"]


def test_a_child_that_lived_long_waits_shortly_again(start: Start) -> None:
    code = "processes.HEALTHY_AFTER_SECONDS = 0.0\n"
    supervisor = start(code + _supervise("Child('web', ['sh', '-c', 'kill -KILL $$'])"))
    assert supervisor.stderr is not None
    lines = [supervisor.stderr.readline() for _ in range(3)]
    assert all("web was ended by SIGKILL" in line for line in lines)
    assert all(line.endswith("starting it again in 0.05 s\n") for line in lines)


def test_what_stands_beside_the_children_is_looked_after(start: Start) -> None:
    code = "processes.LOOK_SECONDS = 0.01\nsaid = iter(['', 'Valkey runs again', ''])\n"
    looks = ", look_after=lambda: next(said, '')"
    supervisor = start(code + _supervise("Child('web', ['sleep', '60'])", more=looks))
    assert supervisor.stderr is not None
    assert supervisor.stderr.readline() == "Valkey runs again\n"
    supervisor.terminate()
    _, errors = supervisor.communicate(timeout=10)
    assert (supervisor.returncode, errors) == (0, "")


def test_a_program_that_is_not_there_is_named(start: Start) -> None:
    supervisor = start(_supervise("Child('web', ['no-such-program'])"))
    assert supervisor.stderr is not None
    assert supervisor.stderr.readline() == "no-such-program: No such file or directory\n"
    assert "web exited with code 1" in supervisor.stderr.readline()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_all_and_lets_them_finish(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    supervisor = start(_supervise(POLITE, "Child('other', ['sleep', '60'])"))
    pid = int(_wait_for(tmp_path / "polite.pid"))
    os.killpg(supervisor.pid, number)
    _, errors = supervisor.communicate(timeout=10)
    assert supervisor.returncode == 0
    assert (tmp_path / "polite.left").exists()
    assert not _is_alive(pid)
    assert errors == ""


def test_a_child_gets_its_own_environment_and_process_group(start: Start, tmp_path: Path) -> None:
    code = "open('seen', 'w').write(f'{os.environ[\"ONLY\"]} {os.getpid()} {os.getpgid(0)}')"
    start(_supervise(f"Child('web', python({code!r}), {{'ONLY': 'this'}})"))
    value, pid, group = _wait_for(tmp_path / "seen").split()
    assert value == "this"
    assert pid == group


def test_a_child_that_ignores_the_signal_is_killed_when_its_grace_is_over(
    start: Start, tmp_path: Path
) -> None:
    supervisor = start("processes.STOP_SECONDS = 30\n" + _supervise(_stubborn(grace_seconds=0.4)))
    pid = int(_wait_for(tmp_path / "stubborn.pid"))
    supervisor.terminate()
    began = time.monotonic()
    assert supervisor.wait(timeout=20) == 0
    assert time.monotonic() - began >= 0.4
    assert not _is_alive(pid)


def test_no_grace_is_longer_than_the_whole_stop_may_take(start: Start, tmp_path: Path) -> None:
    code = "processes.STOP_SECONDS = 0.4\n"
    supervisor = start(code + _supervise(_stubborn(grace_seconds=60)))
    _wait_for(tmp_path / "stubborn.pid")
    supervisor.terminate()
    assert supervisor.wait(timeout=20) == 0


def test_a_second_ctrl_c_waits_for_nobody(start: Start, tmp_path: Path) -> None:
    supervisor = start("processes.STOP_SECONDS = 30\n" + _supervise(_stubborn(grace_seconds=30)))
    pid = int(_wait_for(tmp_path / "stubborn.pid"))
    supervisor.send_signal(signal.SIGINT)
    time.sleep(0.7)
    assert supervisor.poll() is None
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(timeout=20) == 0
    assert not _is_alive(pid)


def test_one_ctrl_c_that_arrives_twice_is_one(start: Start, tmp_path: Path) -> None:
    supervisor = start(_supervise(POLITE))
    _wait_for(tmp_path / "polite.pid")
    supervisor.send_signal(signal.SIGINT)
    time.sleep(0.05)
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(timeout=10) == 0
    assert (tmp_path / "polite.left").exists()


def test_what_a_child_started_is_not_signalled_while_it_finishes(
    start: Start, tmp_path: Path
) -> None:
    pool = "signal.signal(signal.SIGTERM, lambda *_: open('pool.signalled', 'w').close())\n"
    pool += "open('pool.pid', 'w').write(str(os.getpid()))\ntime.sleep(60)"
    fork = f"if os.fork() == 0:\n    exec({pool!r})\n"
    supervisor = start(_supervise(f"Child('worker', python({fork + _POLITE!r}))"))
    _wait_for(tmp_path / "polite.pid")
    pid = int(_wait_for(tmp_path / "pool.pid"))
    supervisor.terminate()
    assert supervisor.wait(timeout=10) == 0
    assert (tmp_path / "polite.left").exists()
    assert not (tmp_path / "pool.signalled").exists()
    assert _ends(pid)


def test_what_a_dead_child_left_behind_ends_before_it_is_started_again(
    start: Start, tmp_path: Path
) -> None:
    start(_supervise("Child('web', ['sh', '-c', 'sleep 60 & echo $! >> pids; exit 1'])"))
    _wait_for(tmp_path / "pids")
    time.sleep(0.3)
    first, *_ = (tmp_path / "pids").read_text().split()
    assert _ends(int(first))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of such a death")
def test_no_child_outlives_a_supervisor_that_is_killed(start: Start, tmp_path: Path) -> None:
    supervisor = start(_supervise(POLITE))
    pid = int(_wait_for(tmp_path / "polite.pid"))
    supervisor.kill()
    assert _ends(pid)
    assert (tmp_path / "polite.left").exists()


def test_ready_is_said_once_when_all_are_started(start: Start, tmp_path: Path) -> None:
    supervisor = start(_supervise(POLITE, "Child('web', ['false'])", more=", on_ready=ready"))
    _wait_for(tmp_path / "polite.pid")
    time.sleep(0.3)  # of restarts
    supervisor.terminate()
    output, _ = supervisor.communicate(timeout=10)
    assert output == "ready\n"


def test_a_slow_on_ready_does_not_hold_up_the_stop(start: Start, tmp_path: Path) -> None:
    supervisor = start(_supervise(POLITE, more=", on_ready=lambda: time.sleep(60)"))
    _wait_for(tmp_path / "polite.pid")
    supervisor.terminate()
    assert supervisor.wait(timeout=20) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_supervisor_sleeps_while_nothing_happens(start: Start, tmp_path: Path) -> None:
    supervisor = start(_supervise(POLITE))
    _wait_for(tmp_path / "polite.pid")
    time.sleep(0.2)

    def switches() -> int:
        status = Path("/proc", str(supervisor.pid), "status").read_text()
        return sum(int(n) for n in re.findall(r"ctxt_switches:\s*(\d+)", status))

    before = switches()
    time.sleep(0.5)
    assert switches() - before <= 1


def test_a_busy_port_is_seen_and_the_next_free_one_named() -> None:
    with socket.create_server((ADDRESS, 0)) as server:
        port = server.getsockname()[1]
        is_free, other = free_port(port)
        assert not is_free
        assert other > port
    assert free_port(port)[0]


def test_a_port_that_all_addresses_listen_on_is_busy() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert not free_port(server.getsockname()[1])[0]


def test_a_port_whose_server_has_just_stopped_is_free() -> None:
    with socket.create_server((ADDRESS, 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((ADDRESS, port)):
            server.accept()[0].close()  # closes first, so this side waits in TIME_WAIT
    assert free_port(port)[0]


def test_there_is_no_port_after_the_last() -> None:
    with pytest.raises(OSError, match="no free port after 65535"):
        free_port(65535)
