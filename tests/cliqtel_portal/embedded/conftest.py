"""Data directories of their own, so that no test meets the suite's own servers."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cliqtel_portal.embedded import Servers, placement, servers
from tests.factories.embedded import User, server_pids

NAMES = ("DATABASE_URL", "VALKEY_URL", "SECRET_KEY", "AUDIT_KEY", "CLIQTEL_DATA_DIR")


@pytest.fixture(scope="module", autouse=True)
def _no_named_servers() -> Iterator[None]:
    """The suite's own servers are named in the environment; here nothing is."""
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMES:
            patch.delenv(name, raising=False)
        yield


def _new_data_dir() -> Iterator[Path]:
    # pytest's own tmp_path is 0700: PostgreSQL would not live in there for root.
    parent = Path(tempfile.mkdtemp(prefix="cliqtel-test-")).resolve()
    parent.chmod(0o711)
    directory = parent / "data"
    yield directory
    directory.mkdir(exist_ok=True)
    home = placement.find_place(directory).home
    for server in server_pids(directory):
        os.kill(server, 9)
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(parent)


@pytest.fixture(name="data_dir")
def _data_dir() -> Iterator[Path]:
    yield from _new_data_dir()


@pytest.fixture(scope="session")
def _stopped() -> Iterator[Path]:
    directories = _new_data_dir()
    directory = next(directories)
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMES:
            patch.delenv(name, raising=False)
        with servers(directory, durable=False):
            pass
    yield directory
    next(directories, None)


@pytest.fixture(name="used_dir")
def _used_dir(data_dir: Path, _stopped: Path) -> Path:
    """A data directory that was used before: making its cluster is most of a second."""
    subprocess.run(["cp", "-a", str(_stopped), str(data_dir)], check=True)
    return data_dir


@pytest.fixture(scope="module")
def shared() -> Iterator[Servers]:
    """Servers for tests that only look at them."""
    directories = _new_data_dir()
    with servers(next(directories), durable=False) as found:
        yield found
    next(directories, None)


@pytest.fixture
def new_user() -> Iterator[Callable[[Path], User]]:
    users: list[User] = []

    def start(data_dir: Path) -> User:
        users.append(User(data_dir))
        return users[-1]

    yield start
    for user in users:
        if user.process.poll() is None:
            user.kill()
