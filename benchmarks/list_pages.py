"""How long each page without an object in its address takes in a large tenant.

Makes the tenant of tests/portal/many.py in a scratch database on servers of its own, then asks for
each page as its owner. Prints how many questions it asked the database, the fastest time (what it
takes where nothing else runs), the median and the slowest. The times are those of the whole request
in this process, without the network.
"""

# ruff: noqa: PLC0415 - the servers' addresses must be known before Django is set up
from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.scratch import scratch_database  # noqa: E402 - the path comes first

LIMIT_MS = 100


def measure(client: Any, path: str, runs: int) -> tuple[int, float, float, float] | None:
    """Queries, fastest, median and slowest; None for what is no page. The first answer warms up."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tests.portal.pages import is_html

    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
    # Later requests empty the log that it would be counted from.
    queries = len(captured)
    if answer.status_code != 200 or not is_html(answer):
        return None
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        client.get(path)
        times.append((time.perf_counter() - started) * 1000)
    return queries, min(times), statistics.median(times), max(times)


def run(numbers: int, runs: int) -> None:
    from django.db import connection
    from django.test import Client

    from tests.portal import many
    from tests.portal.test_lists import pages
    from tests.portal.world import build

    owner = build()["owner"]
    many.add(owner, numbers)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    client = Client()
    client.force_login(owner.user)
    # CPU of the process and the database are warm, and templates are compiled, for all alike.
    client.get("/")
    slow = 0
    print(f"{'':<58} queries fastest  median slowest")
    for path in pages():
        figures = measure(client, path, runs)
        if figures is None:
            continue
        count, fastest, median, slowest = figures
        mark = "  !" if median > LIMIT_MS else ""
        slow += bool(mark)
        line = f"{path[:58]:<58} {count:>7} {fastest:>7.0f} {median:>7.0f} {slowest:>7.0f} ms{mark}"
        print(line, flush=True)
    print(f"over {LIMIT_MS} ms: {slow}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    with scratch_database("list_pages"):
        run(options.numbers, options.runs)


if __name__ == "__main__":
    main()
