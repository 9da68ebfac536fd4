"""How much memory an export of a large log takes.

Makes the rows by SQL in a scratch database on servers of its own, then exports all of them in each
way, each in a process of its own, and prints that process's peak: a worker that writes a file, a
web process that streams (there without EXPORT_STREAM_ROWS, which would stop it at 50,000), and
`manage.py export_audit`. `--only "job xlsx" "command csv"` for some of them.
"""

# ruff: noqa: PLC0415 - the servers' addresses must be known before Django is set up
from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cliqtel_portal import embedded  # noqa: E402 - the path comes first

WAYS = (
    "nothing",
    *(f"stream {name}" for name in ("csv", "ndjson")),
    *(f"job {name}" for name in ("csv", "ndjson", "xlsx")),
    *(f"command {name}" for name in ("csv", "ndjson", "xlsx")),
)
_ROWS = """
INSERT INTO mcp_tool_calls SELECT
    (lpad(to_hex(floor(extract(epoch FROM now()) * 1000)::bigint - 1000), 12, '0')
        || '7' || lpad(to_hex(n %% 4096), 3, '0') || '8' || substr(md5(n::text), 1, 15))::uuid,
    'ok', now(), n %% 400, '00000000-0000-7000-8000-000000000000', 'Busy Ltd',
    '00000000-0000-7000-8001-000000000000', 'person@busy.example',
    '00000000-0000-7000-8002-000000000000', 'Laptop', '', 'claude-code 2.0', 'search_numbers',
    'mcp.inventory.read',
    '{"country": "NL", "capabilities": ["sms", "voice"], "limit": 20, "contains": "2020"}'::jsonb,
    md5(n::text) || md5(n::text), '{"count": 20, "total": 1342}'::jsonb, '', '192.0.2.7',
    '2026-07-28', true, NULL, NULL, NULL, '', NULL, '', 'k1', md5(n::text) || md5(n::text)
FROM generate_series(%s::bigint, %s::bigint) AS n
"""


def set_up() -> None:
    import django

    django.setup()


def make_rows(rows: int) -> None:
    from django.db import connection

    connection.creation.create_test_db(verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for low in range(0, rows, 100_000):
            cursor.execute(_ROWS, [low, min(low + 100_000, rows) - 1])
        cursor.execute("VACUUM ANALYZE mcp_tool_calls")
    connection.close()


def export(way: str) -> tuple[int, int]:
    """Rows and bytes of the export."""
    from django.conf import settings
    from django.core.management import call_command

    from audit import export, export_jobs
    from audit.models import Export, ToolCall

    kind, _, name = way.partition(" ")
    if kind == "nothing":
        return 0, 0
    if kind == "command":
        with tempfile.TemporaryFile("w+") as file:
            call_command("export_audit", format=name, stdout=file)
            return ToolCall.objects.count(), file.buffer.tell()
    made = export.prepare(ToolCall.objects.all(), file_format=name, tenant=None)
    made.actor_label = "benchmark"
    made.state = Export.State.WAITING if kind == "job" else Export.State.SENT
    made.save(force_insert=True)
    if kind == "job":
        export_jobs.run_next()
        made.refresh_from_db()
        assert made.state == Export.State.DONE, made.error
        return made.rows, made.size_bytes or 0
    settings.EXPORT_STREAM_ROWS = 10**9

    async def read() -> tuple[int, int]:
        lines = size = 0
        async for part in export._stream(made):
            lines += part.count(b"\n")
            size += len(part)
        return lines - (name == "csv"), size

    return asyncio.run(read())


def measure(way: str) -> None:
    set_up()
    started = time.perf_counter()
    rows, size = export(way)
    seconds = time.perf_counter() - started
    # Not getrusage: there a process begins with the peak of the one that started it.
    status = Path("/proc/self/status").read_text()
    peak = int(re.findall(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)[0]) / 1024
    print(f"{way:<14} {rows:>9,} rows {size / 1e6:>7.0f} MB {seconds:>6.0f} s {peak:>5.0f} MB peak")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="+", choices=WAYS, default=WAYS, metavar="WAY")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        measure(options.way)
        return
    with (
        tempfile.TemporaryDirectory(prefix="cliqtel-bench-") as folder,
        embedded.servers(Path(folder), durable=False) as servers,
    ):
        os.environ.update(
            DATABASE_URL=servers.database_url,
            VALKEY_URL=servers.valkey_url,
            CLIQTEL_DATA_DIR=folder,
            DJANGO_SETTINGS_MODULE="cliqtel_portal.settings.test",
            TEST_RUN="export_memory",
        )
        set_up()
        make_rows(options.rows)
        base = re.sub(r"/[^/?]+(?=$|\?)", "/test_export_memory", servers.database_url)
        for way in options.only:
            subprocess.run(
                [sys.executable, __file__, "--way", way],
                env=os.environ | {"DATABASE_URL": base},
                check=True,
            )


if __name__ == "__main__":
    main()
