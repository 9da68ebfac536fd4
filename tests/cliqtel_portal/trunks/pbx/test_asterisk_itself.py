"""Debian's own asterisk reads what is generated; skipped where there is none (Debian 12 has none).

It runs with private directories, on a port of loopback, for some seconds; the registrar is
"localhost", so nothing is looked up outside.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cliqtel_portal.trunks.pbx import asterisk
from tests.factories.trunks import setup_request

ASTERISK = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin")
START_SECONDS = 30
pytestmark = pytest.mark.skipif(
    ASTERISK is None, reason="no asterisk on this machine: apt-get install asterisk"
)


def _modules() -> str:
    found = [
        path
        for path in [*glob.glob("/usr/lib/*/asterisk/modules"), "/usr/lib/asterisk/modules"]
        if Path(path).is_dir()
    ]
    if not found:
        pytest.skip("asterisk is here without its modules")
    return found[0]


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _configure(folder: Path) -> Path:
    """Write what is generated, and what else asterisk needs to start on its own."""
    port = _free_port()
    request = setup_request(
        registrar="localhost", transport="udp", port=port, srtp=False, pbx_public_ip=None
    )
    for file in asterisk.write(request).files:
        text = file.text.replace("bind=0.0.0.0:", "bind=127.0.0.1:")
        (folder / file.name).write_text(text)
    data = "/usr/share/asterisk" if Path("/usr/share/asterisk").is_dir() else "/var/lib/asterisk"
    own = {
        name: folder / name for name in ("cache", "lib", "db", "spool", "run", "log", "keys", "agi")
    }
    for path in own.values():
        path.mkdir()
    (folder / "asterisk.conf").write_text(
        "[directories]\n"
        f"astetcdir => {folder}\n"
        f"astmoddir => {_modules()}\n"
        f"astcachedir => {own['cache']}\n"
        f"astvarlibdir => {own['lib']}\n"
        f"astdbdir => {own['db']}\n"
        f"astkeydir => {own['keys']}\n"
        f"astdatadir => {data}\n"
        f"astagidir => {own['agi']}\n"
        f"astspooldir => {own['spool']}\n"
        f"astrundir => {own['run']}\n"
        f"astlogdir => {own['log']}\n"
    )
    (folder / "modules.conf").write_text(
        "[modules]\nautoload=yes\n"
        "noload => chan_sip.so\nnoload => chan_iax2.so\nnoload => pbx_dundi.so\n"
    )
    (folder / "logger.conf").write_text("[logfiles]\nmessages => warning,error\n")
    return folder / "asterisk.conf"


@contextmanager
def _running(configuration: Path) -> Iterator[None]:
    assert ASTERISK
    process = subprocess.Popen(
        [ASTERISK, "-f", "-C", str(configuration)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(configuration.parent)},
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while "fully booted" not in _ask(configuration, "core waitfullybooted"):
            assert process.poll() is None, "asterisk ended by itself"
            assert time.monotonic() < deadline, "asterisk did not start in time"
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ask(configuration: Path, command: str) -> str:
    assert ASTERISK
    done = subprocess.run(
        [ASTERISK, "-C", str(configuration), "-rx", command],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    return done.stdout


def test_asterisk_takes_the_files_as_they_are() -> None:
    # A short path: its control socket's name may have 107 characters.
    with tempfile.TemporaryDirectory(prefix="ast") as folder:
        configuration = _configure(Path(folder))
        with _running(configuration):
            endpoint = _ask(configuration, "pjsip show endpoint cliqtel")
            registrations = _ask(configuration, "pjsip show registrations")
            extensions = _ask(configuration, "dialplan show from-cliqtel")
            messages = "".join(
                path.read_text() for path in (Path(folder) / "log").glob("messages*")
            )
    assert re.search(r"Endpoint:\s+cliqtel", endpoint)
    for part in ("cliqtel-numbers", "192.0.2.0/26", "198.51.100.0/26", "transport-cliqtel"):
        assert part in endpoint + extensions, part
    assert "alaw" in endpoint
    assert "cliqtel/sip:localhost" in registrations
    complaints = [
        line
        for line in messages.splitlines()
        if re.search(r"pjsip\.conf|extensions\.conf|Could not create an object|pbx_config", line)
    ]
    assert complaints == []
