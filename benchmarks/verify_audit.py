"""How long sealing and verifying a large log takes, and how much memory.

Writes signed rows into a scratch database on servers of its own. Then seals them, looks for late
ones, and verifies all, each in a process of its own whose peak is printed.
"""

# ruff: noqa: PLC0415 - the servers' addresses must be known before Django is set up
from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cliqtel_portal import embedded  # noqa: E402 - the path comes first

STEPS = ("seal", "late", "verify")
_STEP = 10_000  # rows from one sign of life to the next


def set_up() -> None:
    import django

    django.setup()


def make_rows(rows: int) -> None:
    from django.conf import settings
    from django.db import connection
    from django.utils import timezone
    from psycopg.types.json import Jsonb

    from audit.models import ToolCall
    from audit.record import CallRecord, Outcome, prepare_arguments, sign
    from cliqtel_portal.ids import first_uuid7_at

    connection.creation.create_test_db(verbosity=0)
    arguments, digest = prepare_arguments({"country": "NL", "capabilities": ["sms"], "limit": 20})
    outcome = Outcome(status="ok", duration_ms=12, result={"count": 20, "total": 1342})
    tenant, user, token = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    start = timezone.now() - timedelta(hours=2)
    key_id = settings.AUDIT_KEY_ID
    columns = [field.attname for field in ToolCall._meta.concrete_fields]
    copy = f"COPY mcp_tool_calls ({', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    with connection.cursor() as cursor, cursor.copy(copy) as rows_in:
        for number in range(rows):
            at = start + timedelta(microseconds=number * 3_600_000_000 // rows)
            record = CallRecord(
                id=uuid.UUID(int=first_uuid7_at(at).int | number),
                started_at=at,
                tenant_id=tenant,
                tenant_label="Busy Ltd",
                user_id=user,
                user_label="person@busy.example",
                token_id=token,
                token_label="Laptop",
                client_label="claude-code 2.0",
                tool="search_numbers",
                scope_required="mcp.inventory.read",
                arguments=arguments,
                argument_digest=digest,
                address="192.0.2.7",
                protocol_version="2026-07-28",
            )
            values = {
                **vars(record),
                **vars(outcome),
                "arguments": Jsonb(arguments),
                "result": Jsonb(outcome.result),
                "mac_key_id": key_id,
                "mac": sign(record, outcome, counted=True, key_id=key_id),
            }
            rows_in.write_row([values[column] for column in columns])
            if number % _STEP == 0:
                print(f"\r{number:,} rows", end="", flush=True)
    print()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE mcp_tool_calls")
    connection.close()


def work(step: str) -> str:
    from audit import chain_checks, seals

    if step == "seal":
        return f"{seals.seal_closed_calls(max_seals=10**6):,} rows sealed"
    if step == "late":
        return "a late seal" if seals.seal_late_calls() else "none late"
    check, report = chain_checks.check_chain()
    return check.problem or f"chain ok, {report.rows:,} rows, {report.seals:,} seals"


def measure(step: str) -> None:
    set_up()
    started, cpu = time.perf_counter(), time.process_time()
    outcome = work(step)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    # Not getrusage: there a process begins with the peak of the one that started it.
    status = Path("/proc/self/status").read_text()
    peak = int(re.findall(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)[0]) / 1024
    print(f"{step:<7} {outcome:<40} {seconds:>6.1f} s ({cpu:.1f} of its own) {peak:>5.0f} MB peak")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        measure(options.step)
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
            TEST_RUN="verify_audit",
        )
        set_up()
        make_rows(options.rows)
        base = re.sub(r"/[^/?]+(?=$|\?)", "/test_verify_audit", servers.database_url)
        for step in STEPS:
            subprocess.run(
                [sys.executable, __file__, "--step", step],
                env=os.environ | {"DATABASE_URL": base},
                check=True,
            )


if __name__ == "__main__":
    main()
