"""Reading what an export gave."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any, cast
from xml.etree import ElementTree

from asgiref.sync import async_to_sync

_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def body_of(response: Any) -> bytes:
    """All of a streamed response, as a server reads it."""
    assert response.status_code == 200, response
    assert response.is_async, "Django would hold all of it in memory"

    async def read() -> bytes:
        return b"".join([part async for part in cast("AsyncIterator[bytes]", response)])

    return async_to_sync(read)()


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def xlsx_sheets(content: bytes) -> list[list[list[str]]]:
    """The cells of each sheet, as text; a cell that was not written is left out."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        names = sorted(name for name in book.namelist() if name.startswith("xl/worksheets/sheet"))
        sheets = [ElementTree.fromstring(book.read(name)) for name in names]
    return [
        [["".join(cell.itertext()) for cell in row] for row in sheet.iter(f"{_SHEET}row")]
        for sheet in sheets
    ]
