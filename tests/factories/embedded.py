"""Other processes that use the embedded servers, and the processes of the servers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cliqtel_portal.embedded import leftovers, placement

REPOSITORY = Path(__file__).resolve().parents[2]
_USE = """
import sys
from pathlib import Path
from cliqtel_portal.embedded import servers
with servers(Path(sys.argv[1]), durable=False) as found:
    print(found.database_url, found.valkey_url, flush=True)
    sys.stdin.readline()
"""


class User:
    """Another process that uses the servers of a data directory until it is told to leave."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _USE, str(data_dir)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def urls(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.readline().split()

    def leave(self) -> int:
        self.process.communicate("\n", timeout=60)
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def server_pids(data_dir: Path) -> list[int]:
    """All processes of both servers."""
    cluster = placement.find_place(data_dir).cluster
    return leftovers.servers_in(cluster, "postgres") + leftovers.servers_in(
        data_dir / "valkey", "valkey-server"
    )
