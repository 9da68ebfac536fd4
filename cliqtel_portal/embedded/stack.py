"""Both servers together: started by their first user, stopped by their last.

`servers.lock` is held for the moments in which something starts or stops; `users.lock` is held
shared for as long as the servers are used. `cliqtel.env` tells other terminals where they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cliqtel_portal.embedded import keys, leftovers, locks, postgres
from cliqtel_portal.embedded.errors import EmbeddedError, explained
from cliqtel_portal.embedded.placement import find_place
from cliqtel_portal.embedded.postgres import Cluster
from cliqtel_portal.embedded.valkey import Valkey

ENVIRONMENT_FILE = "cliqtel.env"
_SERVER_NAMES = {"DATABASE_URL": "PostgreSQL", "VALKEY_URL": "Valkey"}
_ADDRESS_NAMES = {"PORT", "OAUTH_ISSUER", "MCP_RESOURCE_URL"}


@dataclass(frozen=True, kw_only=True)
class Servers:
    database_url: str
    valkey_url: str
    data_dir: Path


@contextmanager
def servers(data_dir: Path, *, durable: bool = True) -> Iterator[Servers]:
    """Have both servers for as long as the block runs.

    Servers that DATABASE_URL and VALKEY_URL name are used as they are; each that is not named is
    embedded: started, or joined if another process has it running. The last to leave stops them. A
    server that runs keeps the durability it was started with; `durable=False` is for tests.

    Raises: EmbeddedError.
    """
    data_dir = data_dir.resolve()
    named = _named()
    if len(named) == 2:
        yield _servers(named, data_dir)
        return
    with explained(data_dir):
        keys.make_data_dir(data_dir)
        use = _Use(data_dir)
        urls = use.begin(named, durable=durable)
    try:
        yield _servers(named | urls, data_dir)
    finally:
        with explained(data_dir):
            use.end()


def running(data_dir: Path) -> Servers | None:
    """The servers of a stack that is up, if they really answer. Nobody is kept from stopping them.

    A server that the environment names is taken at its word.
    """
    data_dir = data_dir.resolve()
    named, lines = _named(), _read_environment(data_dir)
    urls = {name: lines[name] for name in _SERVER_NAMES.keys() & lines.keys()} | named
    return _servers(urls, data_dir) if len(urls) == 2 and _live(data_dir, lines, named) else None


def load_environment(data_dir: Path) -> bool:
    """Put a live stack's `cliqtel.env` into the environment, where nothing is set already."""
    data_dir = data_dir.resolve()
    lines = _read_environment(data_dir)
    if not _live(data_dir, lines, _named()):
        return False
    for name, value in lines.items():
        os.environ.setdefault(name, value)
    return True


def load_address(data_dir: Path) -> None:
    """Put the address that a live stack was started with into the environment, where none is set.

    Tokens are bound to it and links begin with it, so other terminals have to mean the same.
    """
    data_dir = data_dir.resolve()
    lines = _read_environment(data_dir)
    if _live(data_dir, lines, _named()):
        for name in _ADDRESS_NAMES & lines.keys():
            os.environ.setdefault(name, lines[name])


def revive(data_dir: Path) -> str:
    """Those servers in use that were killed run again; returns what to tell the person, or "".

    To be called now and then inside `servers`: it costs two small files. One that could not be
    started is not tried again.

    Raises: EmbeddedError.
    """
    data_dir = data_dir.resolve()
    lines = _read_environment(data_dir)
    if not _killed(data_dir, lines):
        return ""
    with explained(data_dir), locks.exclusive(data_dir / "servers.lock") as lock:
        killed = _killed(data_dir, lines)  # another command may have been faster
        urls = {}
        if "VALKEY_URL" in killed:
            urls["VALKEY_URL"] = Valkey(data_dir).ensure()
        if "DATABASE_URL" in killed:
            cluster = Cluster(data_dir, find_place(data_dir))
            urls["DATABASE_URL"] = cluster.ensure(durable=True, lock=lock)
    servers_killed = " and ".join(_SERVER_NAMES[name] for name in sorted(killed))
    if any(url != lines[name] for name, url in urls.items()):
        raise EmbeddedError(f"{servers_killed} lost the port meanwhile: stop and start again.")
    return f"{servers_killed} had been killed, started again" if killed else ""


def _killed(data_dir: Path, lines: dict[str, str]) -> set[str]:
    """Those of our servers whose process is gone; one that stops by itself takes its file away."""
    files = {
        "DATABASE_URL": Path(lines.get("CLUSTER_DIR", "")) / "postmaster.pid",
        "VALKEY_URL": data_dir / "valkey" / "valkey.pid",
    }
    return {
        name
        for name, file in files.items()
        if name in lines
        and os.environ.get(name) == lines[name]
        and (pid := leftovers.pid_in(file)) is not None
        and not leftovers.is_alive(pid)
    }


class _Use:
    """One use of the embedded servers, from start or join to leaving."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._guard = data_dir / "servers.lock"
        self._cluster = Cluster(data_dir, find_place(data_dir))
        self._valkey = Valkey(data_dir)

    def begin(self, named: dict[str, str], *, durable: bool) -> dict[str, str]:
        """Both servers that are not named run; returns their URLs."""
        with locks.exclusive(self._guard) as lock:
            if (owner := os.fstat(lock).st_uid) != os.geteuid():
                # Root could, but its files would lock the owner out, and the cluster with them.
                raise EmbeddedError(
                    f"{self._data_dir} was set up by another user (uid {owner}): start as that"
                    " user, or set CLIQTEL_DATA_DIR to a directory of your own."
                )
            self._membership = locks.Membership(self._data_dir / "users.lock")
            try:
                urls = {}
                if "VALKEY_URL" not in named:
                    urls["VALKEY_URL"] = self._valkey.ensure()
                if "DATABASE_URL" not in named:
                    urls["DATABASE_URL"] = self._cluster.ensure(durable=durable, lock=lock)
                    urls["CLUSTER_DIR"] = str(self._cluster.place.cluster)
                # What a killed stack left in the file is void; what a live one wrote is in use.
                lines = {} if self._membership.is_first else _read_environment(self._data_dir)
                lines |= urls
                for name, value in keys.secrets(self._data_dir).items():
                    lines.setdefault(name, os.environ.get(name) or value)
                for name in _ADDRESS_NAMES & os.environ.keys():
                    lines.setdefault(name, os.environ[name])
                _write_environment(self._data_dir, lines)
            except BaseException:
                self._leave()
                raise
        return urls

    def end(self) -> None:
        """Leave; the last one stops the servers."""
        if self._data_dir.is_dir():
            with locks.exclusive(self._guard):
                self._leave()
        else:  # deleted under us, and the lock with it: the servers still run
            self._leave()

    def _leave(self) -> None:
        if self._membership.leave():
            (self._data_dir / ENVIRONMENT_FILE).unlink(missing_ok=True)
            try:
                self._valkey.stop()
            finally:
                self._cluster.stop()


def _servers(urls: dict[str, str], data_dir: Path) -> Servers:
    return Servers(
        database_url=urls["DATABASE_URL"], valkey_url=urls["VALKEY_URL"], data_dir=data_dir
    )


def _named() -> dict[str, str]:
    return {name: os.environ[name] for name in _SERVER_NAMES if os.environ.get(name)}


def _live(data_dir: Path, lines: dict[str, str], named: dict[str, str]) -> bool:
    """Whether those embedded servers of the file that are not overruled by name all answer."""
    used = {name: lines[name] for name in _SERVER_NAMES.keys() & lines.keys() - named.keys()}
    return bool(lines) and all(
        postgres.answers(url) if name == "DATABASE_URL" else Valkey(data_dir).answering() == url
        for name, url in used.items()
    )


def _read_environment(data_dir: Path) -> dict[str, str]:
    try:
        text = (data_dir / ENVIRONMENT_FILE).read_text()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _write_environment(data_dir: Path, lines: dict[str, str]) -> None:
    text = "".join(f"{name}={value}\n" for name, value in sorted(lines.items()))
    keys.write_private(data_dir / ENVIRONMENT_FILE, text)
