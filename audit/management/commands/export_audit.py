"""`manage.py export_audit`: the log, or a part of it, to stdout."""

from __future__ import annotations

import shutil
import sys
import tempfile
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from audit.export import prepare
from audit.export_formats import csv_header, csv_text, ndjson_text, write_xlsx
from audit.export_rows import chosen_calls, read_pages
from audit.models import Export, ToolCall
from audit.querysets import ToolCallQuerySet
from cliqtel_portal.accounts.models import Tenant


def moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no date, as in 2026-11-01T09:00") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "Write tool calls to stdout, newest first; times without a zone are UTC."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=Export.Format.values, required=True)
        parser.add_argument("--since", type=moment, help="from this time on")
        parser.add_argument("--until", type=moment, help="before this time")
        parser.add_argument("--tenant", metavar="SLUG", help="of this tenant only")

    def handle(self, **options: Any) -> None:
        export = prepare(
            self._calls(options["since"], options["until"]),
            file_format=options["format"],
            tenant=self._tenant(options["tenant"]),
        )
        # Who may run commands is the server's matter; that one ran is ours.
        export.actor_label = "manage.py export_audit"
        export.state = Export.State.SENT
        export.expected_rows = chosen_calls(export).planned()
        export.save(force_insert=True)
        out: BinaryIO = getattr(self.stdout, "buffer", sys.stdout.buffer)
        try:
            _write(export, out)
            out.flush()
        except BrokenPipeError as error:
            raise CommandError("Whoever read the export has gone: it is not whole.") from error

    def _calls(self, since: datetime | None, until: datetime | None) -> ToolCallQuerySet:
        calls: ToolCallQuerySet = ToolCall.objects.all()
        if since is not None:
            calls = calls.since(since)
        return calls if until is None else calls.until(until)

    def _tenant(self, slug: str | None) -> Tenant | None:
        if slug is None:
            return None
        tenant = Tenant.objects.filter(slug=slug).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {slug!r}.")
        return tenant


def _write(export: Export, out: BinaryIO) -> None:
    pages = read_pages(chosen_calls(export))
    if export.format == Export.Format.XLSX:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "part"
            write_xlsx(pages, path)
            with path.open("rb") as file:
                shutil.copyfileobj(file, out)
        return
    is_csv = export.format == Export.Format.CSV
    if is_csv:
        out.write(csv_header().encode())
    for page in pages:
        out.write((csv_text(page) if is_csv else ndjson_text(page)).encode())
