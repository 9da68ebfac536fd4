"""What a kill -9, a deleted directory or a damaged start leaves behind, and how it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from cliqtel_portal.embedded import (
    EmbeddedError,
    leftovers,
    placement,
    postgres,
    revive,
    servers,
    valkey,
)
from tests.factories.embedded import User, server_pids

NewUser = Callable[[Path], User]

pytestmark = pytest.mark.skipif(
    not Path("/proc").is_dir(), reason="finds processes by their working directory in /proc"
)


def _postmaster(data_dir: Path) -> int:
    pid = leftovers.pid_in(placement.find_place(data_dir).cluster / "postmaster.pid")
    assert pid is not None
    return pid


def _valkey(data_dir: Path) -> int:
    pid = leftovers.pid_in(data_dir / "valkey" / "valkey.pid")
    assert pid is not None
    return pid


def test_servers_of_a_killed_user_are_adopted_and_stopped(
    used_dir: Path, new_user: NewUser
) -> None:
    user = new_user(used_dir)
    urls = user.urls()
    user.kill()
    before = server_pids(used_dir)
    assert before
    with servers(used_dir) as found:
        assert [found.database_url, found.valkey_url] == urls
        assert _postmaster(used_dir) in before
    assert server_pids(used_dir) == []


def test_what_a_killed_stack_left_in_the_file_is_void(used_dir: Path, new_user: NewUser) -> None:
    user = new_user(used_dir)
    user.urls()
    user.kill()
    file = used_dir / "cliqtel.env"
    file.write_text(file.read_text().replace("SECRET_KEY=", "SECRET_KEY=old"))
    with servers(used_dir):
        assert "SECRET_KEY=old" not in file.read_text()


def test_killed_servers_come_back_at_the_address_their_users_know(
    used_dir: Path, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = new_user(used_dir)
    urls = user.urls()
    with monkeypatch.context() as told:  # as in the process of `make run`
        told.setenv("DATABASE_URL", urls[0])
        told.setenv("VALKEY_URL", urls[1])
        assert revive(used_dir) == ""
        leftovers.end(server_pids(used_dir), (signal.SIGKILL, 5.0))
        said = revive(used_dir)
        assert said == "PostgreSQL and Valkey had been killed, started again"
        psycopg.connect(urls[0]).close()
        assert revive(used_dir) == ""
    leftovers.end([_valkey(used_dir)], (signal.SIGKILL, 5.0))
    assert revive(used_dir) == "", "who named servers of their own look after them"
    with servers(used_dir, durable=False) as found:
        assert [found.database_url, found.valkey_url] == urls
        with redis.Redis.from_url(urls[1]) as client:
            assert client.ping()
    assert user.leave() == 0
    assert server_pids(used_dir) == []


def test_backends_of_a_killed_postmaster_do_not_hinder_the_next_start(used_dir: Path) -> None:
    with servers(used_dir, durable=False) as first, psycopg.connect(first.database_url) as busy:
        # Stopped, it can't notice that its postmaster is gone, and keeps the shared memory.
        os.kill(busy.info.backend_pid, signal.SIGSTOP)
        os.kill(_postmaster(used_dir), signal.SIGKILL)
        with servers(used_dir, durable=False) as second:
            psycopg.connect(second.database_url).close()


@pytest.fixture
def other_process(used_dir: Path) -> Iterator[int]:
    """Some process of the user that PostgreSQL runs as."""
    account = placement.find_place(used_dir).account
    with subprocess.Popen(["sleep", "60"], user=account.uid, group=account.gid) as process:
        yield process.pid
        process.kill()


def test_a_pid_that_another_process_has_now_does_not_hinder_the_next_start(
    used_dir: Path, other_process: int
) -> None:
    with servers(used_dir, durable=False):
        file = placement.find_place(used_dir).cluster / "postmaster.pid"
        lines = file.read_text().splitlines()
        (owner, mode) = (file.stat().st_uid, file.stat().st_mode)
    file.write_text("\n".join([str(other_process), *lines[1:]]))
    os.chown(file, owner, -1)
    file.chmod(mode)
    with servers(used_dir, durable=False) as found:
        psycopg.connect(found.database_url).close()
    os.kill(other_process, 0)


def test_another_program_on_the_port_of_before_is_told_no_password(
    data_dir: Path, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.test/portal")
    user = new_user(data_dir)
    before = urlsplit(user.urls()[1])
    user.kill()
    leftovers.end(server_pids(data_dir), (signal.SIGKILL, 5.0))
    listener = subprocess.Popen(
        [sys.executable, "-c", _LISTENER, str(before.port)], stdout=subprocess.PIPE, text=True
    )
    with listener:
        assert listener.stdout is not None
        assert listener.stdout.readline() == "listening\n"
        with servers(data_dir, durable=False) as found:
            assert urlsplit(found.valkey_url).port != before.port
        listener.terminate()
        assert listener.stdout.read() == ""


_LISTENER = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
while True:
    print(server.accept()[0].recv(100), flush=True)
"""


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_a_first_start_that_is_killed_half_way_is_done_again(
    data_dir: Path, new_user: NewUser, seconds: float
) -> None:
    user = new_user(data_dir)
    while not data_dir.exists():
        time.sleep(0.005)
    time.sleep(seconds)
    user.kill()
    with servers(data_dir, durable=False) as found:
        psycopg.connect(found.database_url).close()
    assert server_pids(data_dir) == []
    assert not (placement.find_place(data_dir).home / "password").exists()


def test_a_cluster_without_its_marker_is_made_anew(used_dir: Path) -> None:
    with servers(used_dir, durable=False):
        home = placement.find_place(used_dir).home
    (home / "marker").unlink()
    (home / "data" / "postgresql.conf").unlink()
    with servers(used_dir, durable=False) as found:
        psycopg.connect(found.database_url).close()


def test_a_cluster_of_another_password_is_made_anew(used_dir: Path) -> None:
    with servers(used_dir, durable=False):
        password = used_dir / "postgres.password"
        password.write_text("of another cluster")
    with servers(used_dir, durable=False) as found:
        assert password.read_text() != "of another cluster"
        psycopg.connect(found.database_url).close()


def test_servers_of_a_deleted_data_dir_end_when_it_is_made_again(
    used_dir: Path, new_user: NewUser
) -> None:
    user = new_user(used_dir)
    old_urls = user.urls()
    old = server_pids(used_dir)
    shutil.rmtree(used_dir)
    with servers(used_dir, durable=False) as found:
        assert not set(old) & set(server_pids(used_dir))
        assert [found.database_url, found.valkey_url] != old_urls
        # The user of the deleted one leaves, and takes nothing of the new one along.
        assert user.leave() == 0
        psycopg.connect(found.database_url).close()
        with redis.Redis.from_url(found.valkey_url) as client:
            assert client.ping()
    assert server_pids(used_dir) == []


def test_the_last_user_of_a_deleted_data_dir_stops_its_servers(
    used_dir: Path, new_user: NewUser
) -> None:
    user = new_user(used_dir)
    user.urls()
    old = server_pids(used_dir)
    assert old
    shutil.rmtree(used_dir)
    assert user.leave() == 0
    assert not [pid for pid in old if Path("/proc", str(pid)).exists() and not _is_zombie(pid)]


def _is_zombie(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_port_that_is_taken_in_the_last_moment_is_not_insisted_on(
    used_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = taken.getsockname()[1]
        for module in (postgres, valkey):
            free_port, offers = module.free_port, [busy]
            monkeypatch.setattr(
                module,
                "free_port",
                lambda preferred=None, offers=offers, free_port=free_port: (
                    offers.pop() if offers else free_port(preferred)
                ),
            )
        with servers(used_dir, durable=False) as found:
            assert urlsplit(found.database_url).port != busy
            assert urlsplit(found.valkey_url).port != busy


def test_a_damaged_cluster_is_explained_and_nothing_is_left(used_dir: Path) -> None:
    with servers(used_dir, durable=False):
        home = placement.find_place(used_dir).home
    (home / "data" / "global" / "pg_control").unlink()
    with (
        pytest.raises(EmbeddedError, match=f"remove {home} to begin with an empty one") as caught,
        servers(used_dir),
    ):
        pass
    assert "pg_control" in str(caught.value)
    assert server_pids(used_dir) == []
    assert not (used_dir / "cliqtel.env").exists()


def test_an_error_in_the_block_stops_the_servers_and_goes_on(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.test/portal")
    with pytest.raises(KeyboardInterrupt), servers(data_dir, durable=False):
        raise KeyboardInterrupt
    assert server_pids(data_dir) == []
