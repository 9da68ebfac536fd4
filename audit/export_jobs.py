"""Exports that a worker writes to a file, one at a time.

Who runs one holds the lock `audit.exports` (tasks.py), so a row that is `running` belongs to a
process that died, and is begun anew: in a folder of its own, moved into place when it is whole.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from xlsxwriter.exceptions import XlsxWriterException

from audit.export_formats import Row, csv_header, csv_text, ndjson_text, write_xlsx
from audit.export_rows import chosen_calls, read_pages
from audit.models import Export
from cliqtel_portal.accounts.models import Tenant, User
from cliqtel_portal.notices.models import Notice
from cliqtel_portal.notices.services import notify

logger = logging.getLogger(__name__)

State = Export.State
_PROGRESS_SECONDS = 1.0
_NO_DATABASE = "The database took too long, or went away."
_NO_DISK = "The file could not be written: the disk may be full."
_CUT_OFF = "Its worker was ended each time: it may be too large. Choose a shorter time."


def file_of(export: Export) -> Path:
    """Where the file lies, or will lie."""
    return Path(settings.EXPORT_DIR) / f"{export.pk}.{export.format}"


def run_next() -> bool:
    """Make one attempt at the oldest export without a file; False: none, or try again later.

    The caller holds the lock and is in no transaction.
    """
    export = Export.objects.unfinished().order_by("id").first()
    if export is None:
        return False
    if export.attempts >= settings.EXPORT_MAX_ATTEMPTS:
        _fail(export, export.error or _CUT_OFF)
        return True
    _set(export, state=State.RUNNING, attempts=F("attempts") + 1, rows=0)
    try:
        _write(export)
    except (DatabaseError, OSError, XlsxWriterException) as error:
        logger.exception("export %s was not written", export.pk)
        reason = _NO_DATABASE if isinstance(error, DatabaseError) else _NO_DISK
        if export.attempts + 1 >= settings.EXPORT_MAX_ATTEMPTS:
            _fail(export, reason)
            return True
        _set(export, state=State.WAITING, error=reason)
        return False
    return True


def delete_expired() -> int:
    """Files that had their time are gone; how many. What was exported stays known."""
    expired = Export.objects.filter(state=State.DONE, expires_at__lte=timezone.now())
    deleted = 0
    for export in expired.iterator():
        file_of(export).unlink(missing_ok=True)
        _set(export, state=State.EXPIRED)
        deleted += 1
    return deleted


def _write(export: Export) -> None:
    folder = _work_folder(export)
    folder.mkdir(parents=True)
    # Each time: somebody may have made it before us, with other rights.
    folder.parent.chmod(0o700)
    part = folder / "part"
    written = _Written(export)
    pages = written.count(read_pages(chosen_calls(export)))
    if export.format == Export.Format.XLSX:
        write_xlsx(pages, part)
    else:
        _write_text(export, pages, part)
    size = part.stat().st_size
    part.replace(file_of(export))
    shutil.rmtree(folder)
    _finish(export, rows=written.rows, size=size)
    logger.info("export %s: %d rows, %d bytes", export.pk, written.rows, size)


def _write_text(export: Export, pages: Iterator[list[Row]], path: Path) -> None:
    is_csv = export.format == Export.Format.CSV
    with path.open("w", encoding="utf-8", newline="") as file:
        if is_csv:
            file.write(csv_header())
        for page in pages:
            file.write(csv_text(page) if is_csv else ndjson_text(page))


class _Written:
    """Counts rows on their way to the file, and tells the row of the export now and then."""

    def __init__(self, export: Export) -> None:
        self.rows = 0
        self._export = export
        self._told = time.monotonic()

    def count(self, pages: Iterator[list[Row]]) -> Iterator[list[Row]]:
        for page in pages:
            yield page
            self.rows += len(page)
            if time.monotonic() - self._told >= _PROGRESS_SECONDS:
                _set(self._export, rows=self.rows)
                self._told = time.monotonic()


@transaction.atomic
def _finish(export: Export, *, rows: int, size: int) -> None:
    now = timezone.now()
    _set(
        export,
        state=State.DONE,
        rows=rows,
        error="",
        size_bytes=size,
        finished_at=now,
        expires_at=now + timedelta(hours=settings.EXPORT_FILE_HOURS),
    )
    _tell(
        export,
        level=Notice.Level.SUCCESS,
        title=f"Your export is ready: {rows:,} calls as {export.get_format_display()}",
        body=f"Its file stays for {settings.EXPORT_FILE_HOURS} hours.",
    )


@transaction.atomic
def _fail(export: Export, reason: str) -> None:
    shutil.rmtree(_work_folder(export), ignore_errors=True)
    _set(export, state=State.FAILED, error=reason, finished_at=timezone.now())
    _tell(
        export,
        level=Notice.Level.ERROR,
        title=f"Your export as {export.get_format_display()} failed",
        body=reason,
    )


def _tell(export: Export, *, level: Notice.Level, title: str, body: str) -> None:
    """Who asked, in the portal. Staff belong to no tenant, and look at their list."""
    if export.tenant_id is None or export.actor_id is None:
        return
    tenant = Tenant.objects.filter(pk=export.tenant_id).first()
    user = User.objects.filter(pk=export.actor_id).first()
    if tenant is not None and user is not None:
        link = reverse("exports:list")
        notify(tenant, user=user, level=level, title=title, body=body, link=link)


def _work_folder(export: Export) -> Path:
    folder = Path(settings.EXPORT_DIR) / f"{export.pk}.work"
    if folder.exists():
        shutil.rmtree(folder)
    return folder


def _set(export: Export, **values: object) -> None:
    Export.objects.filter(pk=export.pk).update(**values)
