"""Rows that many tests begin with: made once in a run, copied back in a tenth of the time.

`demo` (tests/conftest.py) is the demo's data. One of your own is made by a fixture of the session,
whose test has not begun, so that the database is empty:

    @pytest.fixture(scope="session")
    def _furnished(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Snapshot[World]:
        with django_db_blocker.unblock():
            return snapshot(furnish)

and then `_furnished.restore()`, with `db` or `transactional_db`, once in a test. What it returns is
a copy of what `furnish` returned. Ids are the same each time, and times are those of its making.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from tests import emptying

T = TypeVar("T")


@dataclass(frozen=True)
class Snapshot(Generic[T]):
    # By the statement that takes them back.
    _rows: dict[str, bytes]
    _guarded: list[str]
    _sequences: dict[str, int]
    _result: bytes

    def restore(self) -> T:
        with transaction.atomic(), connection.cursor() as cursor:
            # Their triggers want each row as it was at first, after those that it speaks of.
            for table in self._guarded:
                cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
            for statement, rows in self._rows.items():
                with cursor.copy(statement) as copy:
                    copy.write(rows)
            for sequence, value in self._sequences.items():
                cursor.execute("SELECT setval(%s, %s)", [sequence, value])
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            for table in self._guarded:
                cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')
        result: T = pickle.loads(self._result)
        return result


def snapshot(make: Callable[[], T]) -> Snapshot[T]:
    """What `make` brings into an empty database, which is empty again.

    In a transaction that is left to its rollback, and nothing is done on commit.
    """
    emptying.empty()  # of what a server wrote after its last test
    result = make()
    rows = {}
    with transaction.atomic(), connection.cursor() as cursor:
        for table in emptying.filled():
            columns = _columns(cursor, table)
            # A query, because some tables are in parts.
            with cursor.copy(f'COPY (SELECT {columns} FROM "{table}") TO STDOUT BINARY') as copy:
                rows[f'COPY "{table}" ({columns}) FROM STDIN BINARY'] = b"".join(copy)
        cursor.execute(
            "SELECT DISTINCT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE NOT tgisinternal AND tgtype & 4 > 0"  # on INSERT
        )
        guarded = [table for (table,) in cursor.fetchall()]
        cursor.execute(
            "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences"
            " WHERE last_value IS NOT NULL"
        )
        sequences = dict(cursor.fetchall())
    if not connection.in_atomic_block:
        emptying.empty()
    return Snapshot(rows, guarded, sequences, pickle.dumps(result))


def _columns(cursor: CursorWrapper, table: str) -> str:
    """Of a table, without those that it computes."""
    cursor.execute(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        [f'"{table}"'],
    )
    (columns,) = cursor.fetchone()
    return str(columns)
