"""How a call looks in a file: one list of columns, one text of each cell, three formats."""

from __future__ import annotations

import csv
import io
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

COLUMNS = (
    "id",
    "started_at",
    "status",
    "error_code",
    "duration_ms",
    "tool",
    "scope_required",
    "tenant_id",
    "tenant_label",
    "user_id",
    "user_label",
    "token_id",
    "token_label",
    "client_id",
    "client_label",
    "address",
    "protocol_version",
    "counted",
    "arguments",
    "argument_digest",
    "result",
    "parent_id",
    "approval_id",
    "actor_id",
    "actor_label",
    "cost_amount",
    "cost_currency",
    "mac_key_id",
    "mac",
)
# A call's values, in the order of COLUMNS.
Row = Sequence[Any]
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Excel's own limits.
SHEET_ROWS = 1_048_576
_CELL_CHARS = 32_767

_JSON_COLUMNS = frozenset(map(COLUMNS.index, ("arguments", "result")))
# What a spreadsheet takes for the start of a formula; the last four are its full-width forms.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Where decimals have a comma, spreadsheets part the cells of a CSV at semicolons, quoted or not.
_FORMULA_BEHIND = re.compile("([;\t])(?=[\\s\"']*[=+@\uff1d\uff0b\uff0d\uff20-])")


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet runs: hosts and people choose these words."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_header() -> str:
    return _csv_lines([COLUMNS])


def csv_text(rows: Iterable[Row]) -> str:
    """Lines as in RFC 4180, each ended by CR LF."""
    return _csv_lines([_csv_cell(at, value) for at, value in enumerate(row)] for row in rows)


def ndjson_text(rows: Iterable[Row]) -> str:
    """One JSON object a line. Nothing is put before any text: this is no spreadsheet."""
    return "".join(
        json.dumps(
            dict(zip(COLUMNS, map(_json_value, row), strict=True)),
            ensure_ascii=False,
            separators=(",", ":"),
        )
        + "\n"
        for row in rows
    )


def write_xlsx(pages: Iterable[Sequence[Row]], path: Path, *, sheet_rows: int = SHEET_ROWS) -> None:
    """Write a workbook with as many sheets as the rows need.

    Each row goes to disk, beside `path`, once the next begins, so memory does not grow with them.
    """
    book = xlsxwriter.Workbook(
        str(path),
        {"constant_memory": True, "tmpdir": str(path.parent), "default_date_format": _TIME},
    )
    book.use_zip64()
    bold = book.add_format({"bold": True})
    sheet: Worksheet | None = None
    line = sheet_rows
    for row in _rows(pages):
        if sheet is None or line >= sheet_rows:
            sheet, line = _new_sheet(book, bold), 1
        _write_row(sheet, line, row)
        line += 1
    if sheet is None:
        _new_sheet(book, bold)
    book.close()


_TIME = "yyyy-mm-dd hh:mm:ss.000"


def _new_sheet(book: Any, bold: Any) -> Worksheet:
    sheet: Worksheet = book.add_worksheet(f"Tool calls {len(book.worksheets()) + 1}")
    sheet.freeze_panes(1, 1)
    for at, name in enumerate(COLUMNS):
        sheet.write_string(0, at, name, bold)
    return sheet


def _write_row(sheet: Worksheet, line: int, row: Row) -> None:
    for at, stored in enumerate(row):
        value = _json_text(stored) if at in _JSON_COLUMNS else stored
        if value is None or value == "":
            continue
        if isinstance(value, bool):
            sheet.write_boolean(line, at, value)
        elif isinstance(value, (int, Decimal)):
            sheet.write_number(line, at, value)
        elif isinstance(value, datetime):
            sheet.write_datetime(line, at, value.astimezone(UTC).replace(tzinfo=None))
        else:
            sheet.write_string(line, at, harmless(str(value))[:_CELL_CHARS])


def _rows(pages: Iterable[Sequence[Row]]) -> Iterator[Row]:
    for page in pages:
        yield from page


def _csv_lines(lines: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(lines)
    return buffer.getvalue()


def _csv_text(text: str) -> str:
    return _FORMULA_BEHIND.sub(r"\1'", harmless(text))


def _csv_cell(at: int, value: Any) -> str:
    if at in _JSON_COLUMNS:
        return _csv_text(_json_text(value))
    if isinstance(value, str):
        return _csv_text(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _time(value) if isinstance(value, datetime) else str(value)


def _json_value(value: Any) -> Any:
    if isinstance(value, (uuid.UUID, Decimal)):
        return str(value)
    return _time(value) if isinstance(value, datetime) else value


def _json_text(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
