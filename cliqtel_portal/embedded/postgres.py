"""One PostgreSQL cluster: made once, started, adopted when it still runs, stopped.

A cluster belongs to the data directory that holds its password: the marker in the cluster is that
password's hash and is written last. So a cluster whose making was interrupted, or that outlived its
data directory in /var/tmp, is told from a good one and made anew.
"""

from __future__ import annotations

import hashlib
import secrets
import signal
import time
from pathlib import Path

import psycopg
from psycopg import pq, sql

from cliqtel_portal.embedded import leftovers, placement
from cliqtel_portal.embedded.errors import EmbeddedError
from cliqtel_portal.embedded.keys import write_private
from cliqtel_portal.embedded.logs import hint, log_end, open_log
from cliqtel_portal.embedded.placement import Place
from cliqtel_portal.embedded.ports import ADDRESS, ATTEMPTS, free_port

DATABASE = ROLE = "cliqtel"
_SUPERUSER = "postgres"
_PROCESS = "postgres"
_START_SECONDS = 60
_STEP_SECONDS = 0.05
_STOP = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))  # fast, immediate
_STOP_ORPHANS = ((signal.SIGQUIT, 1.0), (signal.SIGKILL, 5.0))
_SETTINGS = {
    "listen_addresses": ADDRESS,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# Run by the account in its home, so that root never writes where another user could put a link.
# The password comes on stdin: the account can't open a pipe of root's as /dev/stdin.
_INITDB = """
set -eu; umask 077
rm -rf data marker password
trap 'rm -f password' EXIT
cat > password
initdb="$1"; shift
"$initdb" --pgdata=data --pwfile=password "$@"
"""
_MARK = 'set -eu; umask 077; printf %s "$1" > marker.new; mv marker.new marker'


class Cluster:
    """To be used by the holder of the start/stop lock."""

    def __init__(self, data_dir: Path, place: Place) -> None:
        self.place = place
        self._password_file = data_dir / "postgres.password"
        self._log = data_dir / "log" / "postgresql.log"

    def ensure(self, *, durable: bool, lock: int) -> str:
        """The URL of the running server, which is adopted, started or made as needed.

        A new cluster's `initdb` inherits `lock`: should we be killed, the next start waits for it.
        """
        is_whole = self._is_whole()
        last_port = self._port_in_pid_file()
        if is_whole and last_port is not None:
            url = self._url(last_port)
            if answers(url):
                return url
        self.stop()
        placement.make_home(self.place)
        binaries = placement.find_binaries(self.place)
        if not is_whole:
            return self._make(binaries, durable=durable, lock=lock)
        # The port of before, if the server died under its users: they find it again.
        return self._url(self._start(binaries, durable=durable, preferred_port=last_port))

    def stop(self) -> None:
        """Nothing runs on this cluster, however it was started."""
        postmaster = leftovers.pid_in(self.place.cluster / "postmaster.pid")
        found = leftovers.servers_in(self.place.cluster, _PROCESS)
        if postmaster is not None and (postmaster in found or not leftovers.PROC.is_dir()):
            leftovers.end([postmaster], *_STOP)
            found = leftovers.servers_in(self.place.cluster, _PROCESS)
        # Of a deleted cluster, or backends whose postmaster was killed.
        if not leftovers.end(found, *_STOP_ORPHANS):
            raise EmbeddedError(
                f"PostgreSQL in {self.place.cluster} does not stop (process {found[0]}): end it"
                " and start again."
            )

    def _is_whole(self) -> bool:
        try:
            password = self._password_file.read_text().strip()
            marker = (self.place.home / "marker").read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return marker == _marker(password)

    def _make(self, binaries: Path, *, durable: bool, lock: int) -> str:
        password, superuser_password = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self._password_file.unlink(missing_ok=True)
        self._initdb(binaries, superuser_password, durable=durable, lock=lock)
        port = self._start(binaries, durable=durable, preferred_port=None)
        try:
            _create_database(port, superuser_password, password)
        except psycopg.Error as error:
            raise EmbeddedError(
                f"The new PostgreSQL refused to make its database; see {self._log}. Start again."
            ) from error
        write_private(self._password_file, password)
        mark = ["/bin/sh", "-c", _MARK, "sh", _marker(password)]
        if self.place.account.run(mark, cwd=self.place.home) != 0:
            raise EmbeddedError(
                f"{self.place.home} could not be written to: free some space on its disk and start"
                " again."
            )
        return self._url(port)

    def _initdb(self, binaries: Path, password: str, *, durable: bool, lock: int) -> None:
        # Without libc's C.UTF-8, which a few systems lack, letters beyond ASCII are not words to
        # full text search. Order and case come from PostgreSQL itself in both.
        for character_type in ("C.UTF-8", "C"):
            arguments = [
                f"--username={_SUPERUSER}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                f"--lc-ctype={character_type}",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
                *([] if durable else ["--no-sync"]),
            ]
            with open_log(self._log) as log:
                since = log.tell()
                code = self.place.account.run(
                    ["/bin/sh", "-c", _INITDB, "sh", str(binaries / "initdb"), *arguments],
                    cwd=self.place.home,
                    stdin=password.encode(),
                    output=log,
                    keep_open=(lock,),
                )
            if code == 0:
                return
            said = log_end(self._log, since=since)
            if "invalid locale name" not in said:
                break
        raise EmbeddedError(
            f"PostgreSQL's initdb failed in {self.place.home} ({hint(said)}):\n{said}"
        )

    def _start(self, binaries: Path, *, durable: bool, preferred_port: int | None) -> int:
        settings = _SETTINGS if durable else _SETTINGS | _NOT_DURABLE
        if (self.place.cluster / "postmaster.pid").exists():
            # Nothing runs here, so its pid is stale; PostgreSQL would take any other process of
            # the same user that got this pid, after a reboot say, for itself.
            remove = ["/bin/sh", "-c", "rm -f data/postmaster.pid"]
            self.place.account.run(remove, cwd=self.place.home)
        said = ""
        for attempt in range(ATTEMPTS):
            port = free_port(preferred_port if attempt == 0 else None)
            # pg_ctl hands these to a shell: no value may hold a space or a quote. The same goes
            # for a path, so the data directory is given relative to the working directory.
            options = " ".join(f"-c {k}={v}" for k, v in {**settings, "port": port}.items())
            command = [str(binaries / "pg_ctl"), "start", "--wait", f"--timeout={_START_SECONDS}"]
            command += ["--pgdata=data", f"--options={options}"]
            with open_log(self._log) as log:
                since = log.tell()
                code = self.place.account.run(command, cwd=self.place.home, output=log)
            if code == 0:
                return port
            said = log_end(self._log, since=since)
            if "Address already in use" not in said:  # else another took the port meanwhile
                break
        raise EmbeddedError(
            f"PostgreSQL did not start ({hint(said)}). If the cluster is damaged, remove"
            f" {self.place.home} to begin with an empty one. The end of {self._log}:\n{said}"
        )

    def _url(self, port: int) -> str:
        password = self._password_file.read_text().strip()
        return f"postgresql://{ROLE}:{password}@{ADDRESS}:{port}/{DATABASE}"

    def _port_in_pid_file(self) -> int | None:
        try:
            return int((self.place.cluster / "postmaster.pid").read_text().splitlines()[3])
        except (OSError, ValueError, IndexError):
            return None


def answers(url: str) -> bool:
    """Whether the server at `url` takes this password, waiting while it still starts up."""
    conninfo = f"{url}?connect_timeout=10&sslmode=disable&gssencmode=disable"
    deadline = time.monotonic() + _START_SECONDS
    while (state := pq.PGconn.ping(conninfo.encode())) == pq.Ping.REJECT:
        if time.monotonic() > deadline:
            return False
        time.sleep(_STEP_SECONDS)
    if state != pq.Ping.OK:
        return False
    try:
        psycopg.connect(conninfo).close()
    except psycopg.OperationalError as error:
        # A server that has no connection left to give is busy, not dead.
        return "password authentication failed" not in str(error)
    return True


def _create_database(port: int, superuser_password: str, password: str) -> None:
    with psycopg.connect(
        host=ADDRESS,
        port=port,
        dbname="postgres",
        user=_SUPERUSER,
        password=superuser_password,
        sslmode="disable",
        gssencmode="disable",
        autocommit=True,
    ) as connection:
        verifier = connection.pgconn.encrypt_password(
            password.encode(), ROLE.encode(), b"scram-sha-256"
        ).decode()
        # As in production the portal's role is no superuser; CREATEDB is for test databases.
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                sql.Identifier(ROLE), sql.Literal(verifier)
            )
        )
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(DATABASE), sql.Identifier(ROLE)
            )
        )


def _marker(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
