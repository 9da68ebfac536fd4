"""The migrations run once for many test databases, which are copies of a template.

A run's first worker migrates the template, the others wait for it, and it stays in the cluster for
the next runs: 113 migrations take most of half a minute, a copy a fraction of a second. `migrate`
still runs on each copy, and finds nothing to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.db import connection
from django.utils import timezone

_PREFIX = "template_cliqtel_"
# Of other branches and of runs at the same time; the oldest ones go.
_KEPT = 3
_LOCK = "tests.template"


def ensure_template() -> str:
    """The name of a migrated database that can be copied."""
    name = f"{_PREFIX}{_fingerprint()}"
    with _locked() as cursor:
        if not _is_whole(cursor, name):
            _migrate(name)
            # Nobody connects to it any more, not even autovacuum: a copy needs it unused. It also
            # says that the migrations came to their end.
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            _drop_old(cursor)
    return name


def _fingerprint() -> str:
    """Of all that the migrated database comes from. They make partitions from this month on."""
    digest = hashlib.sha256(f"{django.VERSION} {timezone.now():%Y-%m}".encode())
    for config in sorted(apps.get_app_configs(), key=lambda config: config.label):
        for file in sorted(Path(config.path, "migrations").glob("*.py")):
            digest.update(f"{config.label} {file.name}".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _locked() -> Iterator[Any]:
    """A cursor outside of the test databases; one process of the cluster at a time has it."""
    with connection._nodb_cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [_LOCK])
        yield cursor


def _is_whole(cursor: Any, name: str) -> bool:
    cursor.execute("SELECT datallowconn FROM pg_database WHERE datname = %s", [name])
    return cursor.fetchone() == (False,)


def _migrate(name: str) -> None:
    """A template whose making was interrupted is made anew."""
    target = connection.settings_dict
    own, run = target["NAME"], target["TEST"]["NAME"]
    target["TEST"]["NAME"] = name
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    finally:
        target["TEST"]["NAME"] = run
        connection.close()
        connection.close_pool()
        connection.creation.destroy_test_db(own, verbosity=0, keepdb=True)


def _drop_old(cursor: Any) -> None:
    cursor.execute(
        "SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY oid DESC OFFSET %s",
        [f"{_PREFIX}%", _KEPT],
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f'DROP DATABASE "{name}"')
