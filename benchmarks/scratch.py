"""A benchmark's own database, on servers of its own: made, migrated, gone with the block."""

# ruff: noqa: PLC0415 - the servers' addresses must be known before Django is set up
from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cliqtel_portal import embedded


@contextmanager
def scratch_database(name: str) -> Iterator[None]:
    """Django is set up and connected to it; `name` tells its database from others'."""
    with (
        tempfile.TemporaryDirectory(prefix="cliqtel-bench-") as folder,
        embedded.servers(Path(folder), durable=False) as servers,
    ):
        os.environ.update(
            DATABASE_URL=servers.database_url,
            VALKEY_URL=servers.valkey_url,
            DJANGO_SETTINGS_MODULE="cliqtel_portal.settings.test",
            TEST_RUN=name,
        )
        import django
        from django.test.utils import setup_test_environment

        django.setup()
        from django.db import connection

        setup_test_environment()
        logging.disable(logging.WARNING)
        connection.creation.create_test_db(verbosity=0)
        yield
        connection.close()
