"""Governed tool calls a second through one real daphne: `make bench`.

Starts the stack on a data directory of its own, calls one tool for some seconds at several
concurrencies, and prints calls a second and latencies. Every answer is checked. Numbers of two
machines don't compare; numbers before and after a change on one machine do.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx2

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(origin: str) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{origin}/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.2)
    sys.exit("the stack did not come up")


def cluster_dir(folder: Path) -> Path | None:
    for line in (folder / "cliqtel.env").read_text().splitlines():
        if line.startswith("CLUSTER_DIR="):
            return Path(line.partition("=")[2]).parent
    return None


def one_client(
    url: str, token: str, body: bytes, until: float, latencies: list[float], bad: list[str]
) -> None:
    headers = {
        "authorization": f"Bearer {token}",
        "accept": "application/json",
        "content-type": "application/json",
        "mcp-protocol-version": "2025-11-25",
    }
    with httpx2.Client(timeout=30) as client:
        while time.monotonic() < until:
            started = time.perf_counter()
            answer = client.post(url, content=body, headers=headers)
            latencies.append((time.perf_counter() - started) * 1000)
            if answer.status_code != 200 or answer.json()["result"]["isError"]:
                bad.append(answer.text[:200])


def measure(
    url: str, token: str, tool: str, arguments: object, concurrency: int, seconds: float
) -> str:
    message = {"name": tool, "arguments": arguments}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": message})
    latencies: list[float] = []
    bad: list[str] = []
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=one_client, args=(url, token, body.encode(), until, latencies, bad))
        for _ in range(concurrency)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if bad:
        sys.exit(f"{len(bad)} bad answers, the first: {bad[0]}")
    cuts = statistics.quantiles(latencies, n=100)
    return (
        f"{tool:<16} {concurrency:>3} at once  {len(latencies) / seconds:>7.0f} calls/s"
        f"   p50 {cuts[49]:>6.1f} ms   p95 {cuts[94]:>6.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--concurrency", default="1,8,32")
    options = parser.parse_args()
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="cliqtel-bench-") as folder:
        environment = {
            **os.environ,
            "CLIQTEL_DATA_DIR": folder,
            "PORT": str(port),
        }
        stack = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until_up(origin)
            token = (Path(folder) / "ready-token").read_text().strip()
            # The burst limit is not what is measured.
            lift = "from cliqtel_portal.accounts.models import Tenant;"
            lift += "Tenant.objects.update(burst_per_minute=10_000_000)"
            subprocess.run(
                [sys.executable, "manage.py", "shell", "-v", "0", "-c", lift],
                cwd=ROOT,
                env=environment,
                check=True,
            )
            for tool, arguments in (("whoami", {}), ("list_inventory", {"kind": "numbers"})):
                for concurrency in map(int, options.concurrency.split(",")):
                    print(
                        measure(
                            f"{origin}/mcp", token, tool, arguments, concurrency, options.seconds
                        ),
                        flush=True,
                    )
        finally:
            cluster = cluster_dir(Path(folder))
            stack.send_signal(signal.SIGTERM)
            stack.wait(timeout=20)
            # Run by root, the cluster may lie outside the data directory.
            if cluster is not None:
                shutil.rmtree(cluster, ignore_errors=True)


if __name__ == "__main__":
    main()
