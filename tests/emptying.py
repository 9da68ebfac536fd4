"""Pytest plugin: what a test has committed is deleted again, table by table.

Django's own way after such a test is to TRUNCATE every table and to make all content types and
permissions anew: most of a second for a few rows, four hundred times. A deletion also gives way to
what a server still writes after its answer, where TRUNCATE met it in a deadlock.
"""

from __future__ import annotations

import time
from functools import cache

from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import TransactionTestCase

# What migrations make for the tables themselves.
_KEPT = {"django_migrations", "django_content_type", "auth_permission", "django_site"}
_ATTEMPTS = 5


def pytest_configure() -> None:
    TransactionTestCase._fixture_teardown = _delete_committed  # type: ignore[attr-defined]


def _delete_committed(_test: TransactionTestCase) -> None:
    empty()


def empty() -> None:
    """Delete what is committed."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic():
                _delete()
        except (OperationalError, IntegrityError):
            # A server wrote meanwhile.
            if attempt == _ATTEMPTS:
                raise
            time.sleep(0.05 * attempt)
        else:
            return


def filled() -> list[str]:
    """Tables with rows that tests make."""
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in _tables()
            )
        )
        return [table for (table,) in cursor.fetchall()]


def _delete() -> None:
    tables = filled()
    if not tables:
        return
    guarded = [table for table in tables if table in _append_only()]
    # Foreign keys are checked at the end, so that the order does not matter.
    statements = [
        *(f'ALTER TABLE "{table}" DISABLE TRIGGER USER' for table in guarded),
        *(f'DELETE FROM "{table}"' for table in tables),
        "SET CONSTRAINTS ALL IMMEDIATE",
        *(f'ALTER TABLE "{table}" ENABLE TRIGGER USER' for table in guarded),
    ]
    with connection.cursor() as cursor:
        cursor.execute("; ".join(statements))


@cache
def _tables() -> list[str]:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(names) - _KEPT)


@cache
def _append_only() -> frozenset[str]:
    """Tables whose triggers refuse to lose a row, among others that have triggers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE NOT tgisinternal"
        )
        return frozenset(table for (table,) in cursor.fetchall())
