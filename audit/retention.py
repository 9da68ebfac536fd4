"""Months of the log that nobody has to keep any more: archived where that is wanted, then dropped.

A month goes as a whole, since rows can't be deleted. Until its table is dropped, in one statement,
nothing is lost: whoever dies before that leaves a month that the next run archives again.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Min, QuerySet, Sum

from audit import seals
from audit.models import Seal
from audit.partitions import id_bounds, month_after, months_held, partition_of


class NotDroppable(Exception):
    """The month has a row that is not final, or that its archive or its seals don't have."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    path: Path
    rows: int


def months_beyond(today: date) -> list[date]:
    """Months whose last day is older than `AUDIT_RETENTION_DAYS`, oldest first."""
    oldest_kept = today - timedelta(days=settings.AUDIT_RETENTION_DAYS)
    with connection.cursor() as cursor:
        months = months_held(cursor, today)
    return sorted(month for month in months if month_after(month) <= oldest_kept)


def retire_month(month: date) -> Archive | None:
    """The month is dropped; before, if `AUDIT_ARCHIVE_DIR` is set, its rows are in a file there.

    Safe to run again after dying anywhere. Not inside a transaction: archiving takes a while.

    Raises:
        NotDroppable: the month was left as it is.
        OSError: the archive can't be written; the month was left as it is.
        OperationalError: something reads the log for longer than it may wait; try again later.
    """
    archive = None
    if settings.AUDIT_ARCHIVE_DIR:
        archive = archive_month(month, Path(settings.AUDIT_ARCHIVE_DIR))
    drop_month(month, archive)
    return archive


def archive_month(month: date, folder: Path) -> Archive:
    """Write every row of the month, as JSON lines in the order of ids, into a file of its name.

    The last line tells how many there are, the SHA-256 over their macs, and the first and last
    number of the month's seals. A file without that line is none, and never gets the name.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{partition_of(month)}.ndjson.gz"
    unfinished = path.with_suffix(".part")
    macs, rows, ids = hashlib.sha256(), 0, {"first_id": "", "last_id": ""}
    with _private(unfinished) as file:
        # No name and no time in it: the same month is the same file.
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
            for call_id, mac, line in _rows(month):
                packed.write(line.encode() + b"\n")
                macs.update(mac.encode())
                ids = {"first_id": ids["first_id"] or str(call_id), "last_id": str(call_id)}
                rows += 1
            end = {
                "end": partition_of(month),
                "rows": rows,
                "macs_sha256": macs.hexdigest(),
                **ids,
                **_ranges(month).aggregate(first_seal=Min("number"), last_seal=Max("number")),
            }
            packed.write(json.dumps(end).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    _sync_directory(folder)
    return Archive(path=path, rows=rows)


def drop_month(month: date, archive: Archive | None) -> None:
    """The month's table is gone, if its rows are final, sealed, and in the archive if there is one.

    Raises:
        NotDroppable: something is missing; nothing was dropped.
    """
    name = partition_of(month)
    with transaction.atomic(), connection.cursor() as cursor:
        # Dropping locks the whole log for a moment; calls must not queue up behind a long read.
        cursor.execute("SET LOCAL lock_timeout = '3s'")
        cursor.execute(f"LOCK TABLE {name} IN SHARE MODE")
        count = "SELECT count(*), count(*) FILTER (WHERE status = 'running') FROM"
        cursor.execute(f"{count} {name}")
        rows, running = cursor.fetchone()
        if running:
            raise NotDroppable(f"{name} has {running} calls without an outcome")
        if archive is not None and archive.rows != rows:
            raise NotDroppable(f"{name} has {rows} rows, its archive {archive.rows}")
        # More, and somebody slipped rows in; fewer, and rows were deleted: that must stay provable.
        sealed = _sealed(month)
        if sealed != rows:
            raise NotDroppable(f"{name} has {rows} rows, its seals {sealed}: run verify_audit")
        cursor.execute(f"DROP TABLE {name}")


def _rows(month: date) -> Iterator[tuple[Any, str, str]]:
    """Id, mac and JSON of each row, by a cursor in the database: memory doesn't grow with them."""
    # Of the month's own table: a long read of the log itself would be in everybody's way.
    statement = f"SELECT id, mac, row_to_json(c)::text FROM {partition_of(month)} AS c ORDER BY id"  # noqa: S608 - our own name
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while found := cursor.fetchmany(2_000):
            yield from found


def _ranges(month: date) -> QuerySet[Seal]:
    """The seals whose rows are the month's: a range begins where the one before it ended."""
    low, high = id_bounds(month)
    return Seal.objects.filter(kind=Seal.Kind.RANGE, high__gt=low, high__lte=high)


def _sealed(month: date) -> int:
    in_ranges = _ranges(month).aggregate(rows=Sum("count"))["rows"] or 0
    return in_ranges + sum(1 for _ in seals.late_members(*id_bounds(month)))


def _private(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _sync_directory(folder: Path) -> None:
    """The new name survives a loss of power, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
