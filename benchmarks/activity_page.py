"""How long the Activity page takes in a log of millions of calls.

Makes the rows by SQL in a scratch database on servers of its own: 400 days of one busy tenant
among fifty small ones. Then asks for the page with every filter that it offers, common, rare and
found nowhere, and prints the first answer's time, the median and the slowest of the rest. The
times are those of the whole request in this process, without the network.
"""

# ruff: noqa: PLC0415 - the servers' addresses must be known before Django is set up
from __future__ import annotations

import argparse
import statistics
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.scratch import scratch_database  # noqa: E402 - the path comes first

DAYS = 400
URL = "/numbers/ai-access/activity/"
# Of n, a number that jumps about: the same rows each time, but in no order.
_HASH = "(('x' || substr(md5(n::text || '{salt}'), 1, 7))::bit(28)::int)"
_ROWS = """
INSERT INTO mcp_tool_calls SELECT
    (lpad(to_hex(ms), 12, '0') || '7' || lpad(to_hex(n % 2048), 3, '0') || '8'
        || substr(md5(n::text), 1, 15))::uuid,
    CASE WHEN code = '' THEN 'ok' ELSE 'error' END,
    to_timestamp(ms / 1000.0), 5 + r1 % 400,
    CASE WHEN r1 % 10 < 8 THEN %(tenant)s::uuid
        ELSE ('00000000-0000-7000-8000-0000000000' || lpad(to_hex(r1 % 50), 2, '0'))::uuid END,
    CASE WHEN r1 % 10 < 8 THEN 'Busy Ltd' ELSE 'Small ' || r1 % 50 END,
    CASE WHEN r2 % 4 < 3 THEN %(owner)s::uuid WHEN r2 % 1000 = 3 THEN %(member)s::uuid
        ELSE ('00000000-0000-7000-8001-0000000000' || lpad(to_hex(r2 % 40), 2, '0'))::uuid END,
    CASE WHEN r2 % 4 < 3 THEN 'owner@busy.example' WHEN r2 % 1000 = 3 THEN 'member@busy.example'
        ELSE 'person' || r2 % 40 || '@busy.example' END,
    ('00000000-0000-7000-8002-0000000000' || lpad(to_hex(r3 % 100), 2, '0'))::uuid,
    CASE WHEN n % 400000 = 7 THEN 'rare token' ELSE 'token ' || r3 % 100 END,
    '', CASE WHEN r3 % 5000 = 9 THEN 'Rare 1.0' ELSE 'claude-code 2.0.' || r3 % 12 END,
    (ARRAY['search_numbers', 'get_pricing', 'list_inventory', 'search_docs', 'whoami',
        'get_call_flow', 'list_call_flows', 'get_number_requirements', 'draft_order_number',
        'send_message'])[1 + (CASE WHEN r1 % 100 < 90 THEN r2 % 6 ELSE r2 % 10 END)],
    CASE WHEN r1 % 100 < 90 THEN 'mcp.inventory.read' WHEN r1 % 100 < 99 THEN 'mcp.pricing.read'
        ELSE 'mcp.messaging.send' END,
    '{"country": "NL", "capabilities": ["sms", "voice"], "limit": 20, "contains": "2020"}'::jsonb,
    md5(n::text) || md5(n::text), '{"count": 20, "total": 1342}'::jsonb, code,
    '192.0.2.' || r3 % 200, '2026-07-28', true, NULL,
    CASE WHEN r1 % 100 = 99 THEN ('00000000-0000-7000-8003-' || lpad(to_hex(n), 12, '0'))::uuid END,
    NULL, '', NULL, '', 'k1', md5(n::text) || md5(n::text)
FROM (
    SELECT n, ms, r1, r2, r3,
        CASE WHEN n % 500000 = 11 THEN 'carrier_unavailable' WHEN r4 % 100 < 3 THEN 'not_found'
            WHEN r4 % 100 = 4 THEN 'insufficient_scope' ELSE '' END AS code
    FROM (
        SELECT n, %(start)s::bigint + n * %(span)s::bigint / %(rows)s AS ms,
            __H1__ AS r1, __H2__ AS r2, __H3__ AS r3, __H4__ AS r4
        FROM generate_series(%(low)s::bigint, %(high)s::bigint) AS n
    ) AS numbers
) AS calls
"""
QUERIES = (
    "",
    "status:ok",
    "status:error",
    "status:running",
    "status:error created:today",
    "code:insufficient_scope",
    "code:carrier_unavailable",
    "code:nowhere",
    "tool:search_numbers",
    "tool:send_message",
    "tool:nowhere",
    "scope:mcp.messaging.send",
    "scope:mcp.routing.write",
    "scope:mcp.callflows.draft,mcp.orders.draft,mcp.numbers.purchase,mcp.routing.write,"
    "mcp.messaging.send",
    "user:owner@busy.example",
    "user:member@busy.example",
    'token:"token 7"',
    'token:"rare token"',
    "token:nowhere",
    "token:00000000-0000-7000-8002-000000000007",
    "client:claude-code*",
    "client:Rare*",
    "client:nowhere*",
    "client:none",
    "address:192.0.2.7",
    "address:198.51.100.1",
    "approval:00000000-0000-7000-8003-000000000001",
    "created:30d",
    "created:>=2026-01-01 created:<2026-01-02",
    "created:7d tool:send_message",
    "created:30d tool:send_message status:error",
    "tool:send_message code:insufficient_scope",
    "tool:send_message scope:mcp.inventory.read",
    "status:error user:member@busy.example",
    'status:error token:"token 7" tool:whoami',
    "client:Rare* address:192.0.2.9",
    "client:claude-code* tool:send_message code:insufficient_scope",
    "address:192.0.2.7 client:Rare*",
    'scope:mcp.messaging.send token:"token 7" address:192.0.2.7 status:error',
    "user:member@busy.example tool:nowhere",
)


def make_rows(rows: int, **people: uuid.UUID) -> None:
    from django.db import connection
    from django.utils import timezone

    from audit.partitions import create_partition, ensure_partitions, month_after

    now = timezone.now()
    start = now - timedelta(days=DAYS)
    statement = _ROWS
    for number in range(1, 5):
        statement = statement.replace(f"__H{number}__", _HASH.format(salt=number))
    # psycopg's placeholders: the statement's own remainders are doubled.
    statement = statement.replace("% ", "%% ")
    with connection.cursor() as cursor:
        month = start.date().replace(day=1)
        while month < now.date().replace(day=1):
            create_partition(cursor, month)
            month = month_after(month)
        ensure_partitions(cursor, now.date())
        step = 100_000
        for low in range(0, rows, step):
            values = {
                **people,
                "start": int(start.timestamp() * 1000),
                "span": DAYS * 86_400_000,
                "rows": rows,
                "low": low,
                "high": min(low + step, rows) - 1,
            }
            cursor.execute(statement, values)
            print(f"\r{min(low + step, rows):,} rows", end="", flush=True)
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE mcp_tool_calls")
        cursor.execute(
            "SELECT sum(pg_table_size(relid)), sum(pg_indexes_size(relid))"
            " FROM pg_partition_tree('mcp_tool_calls') WHERE isleaf"
        )
        table, indexes = cursor.fetchone()
    in_gb = (float(size) / 1e9 for size in (table, indexes))
    print(" in {:.2f} GB, and {:.2f} GB of indexes".format(*in_gb))


def measure(client: object, query: str, runs: int, **more: str) -> tuple[float, float, float, int]:
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        answer = client.get(URL, {"q": query, **more})  # type: ignore[attr-defined]
        times.append((time.perf_counter() - started) * 1000)
        if answer.status_code != 200 or answer.context["problem"]:
            sys.exit(f"{query}: {answer.status_code}")
        if answer.context["delay"]:
            return times[0], times[-1], times[-1], -1
    shown = len(answer.context["page"].calls)
    return times[0], statistics.median(times[1:]), max(times[1:]), shown


def report(name: str, figures: tuple[float, float, float, int]) -> float:
    first, median, slowest, shown = figures
    mark = "  !" if median > 200 or shown < 0 else ""
    print(f"{name[:64]:<64} {shown:>4} rows {first:>7.0f} {median:>7.0f} {slowest:>7.0f} ms{mark}")
    return median


def run(rows: int, runs: int) -> None:
    from django.test import Client

    from audit.models import ToolCall
    from tests.factories.accounts import MembershipFactory, TenantFactory

    busy = TenantFactory(name="Busy Ltd", tier="embed")
    owner = MembershipFactory(tenant=busy, role="owner", user__email="owner@busy.example")
    member = MembershipFactory(tenant=busy, role="member", user__email="member@busy.example")
    stranger = MembershipFactory(role="owner", user__email="owner@new.example")
    make_rows(rows, tenant=busy.pk, owner=owner.user_id, member=member.user_id)
    calls = ToolCall.objects.for_tenant(busy.pk)
    middle = calls.since(calls.order_by("-id")[0].started_at - timedelta(days=DAYS // 2))
    cursor = str(middle.order_by("id").values_list("pk", flat=True)[0])
    clients = {}
    for person in (owner, member, stranger):
        clients[person] = Client()
        clients[person].force_login(person.user)
    print(f"{'':<64} {'':>9} {'first':>7} {'median':>7} {'slowest':>7}")
    medians = [report(query or "(all)", measure(clients[owner], query, runs)) for query in QUERIES]
    medians.append(report("(all), 200 days back", measure(clients[owner], "", runs, after=cursor)))
    for person, name in ((member, "a member's own"), (stranger, "a tenant without calls")):
        for query in ("", "status:error", "tool:nowhere"):
            figures = measure(clients[person], query, runs)
            medians.append(report(f"{name}: {query or '(all)'}", figures))
    print(f"slowest median: {max(medians):.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    with scratch_database("activity_page"):
        run(options.rows, options.runs)


if __name__ == "__main__":
    main()
