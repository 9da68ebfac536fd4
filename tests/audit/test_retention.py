"""Months beyond retention: archived whole, then dropped; or left as they are."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from audit import retention, tasks
from audit.models import ToolCall
from audit.partitions import create_partition, month_after
from audit.retention import NotDroppable, archive_month, months_beyond, retire_month
from audit.seals import seal_closed_calls, seal_late_calls
from audit.verification import verify_chain
from tests.factories.audit import failed, make_call, ok
from tests.factories.seals import without_triggers

OLD = date(2024, 12, 1)


def _tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT right(inhrelid::regclass::text, 7) FROM pg_inherits"
            " WHERE inhparent = 'mcp_tool_calls'::regclass"
        )
        return {name for (name,) in cursor.fetchall()}


def _make_month(month: date) -> list[ToolCall]:
    """The month's partition, with two closed calls in it, under a seal."""
    with connection.cursor() as cursor:
        create_partition(cursor, month)
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    rows = [
        make_call(at=start, arguments={"note": "Zoë\n\u2028", "pin": "1234"}, outcome=ok()),
        make_call(at=start + timedelta(days=20), outcome=failed("not_found")),
    ]
    assert seal_closed_calls(now=timezone.now()) == len(rows)
    return rows


def _lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).split(b"\n") if line]


@pytest.fixture
def folder(settings, tmp_path) -> Path:
    settings.AUDIT_ARCHIVE_DIR = str(tmp_path / "archive")
    return tmp_path / "archive"


@pytest.mark.django_db
def test_a_month_is_old_when_its_last_day_is(settings):
    settings.AUDIT_RETENTION_DAYS = 100
    for month in (OLD, month_after(OLD)):
        _make_month(month)
    end = date(2025, 1, 1)  # of December
    assert months_beyond(end + timedelta(days=99)) == []
    assert months_beyond(end + timedelta(days=100)) == [OLD]
    assert months_beyond(date(2025, 2, 1) + timedelta(days=100)) == [OLD, date(2025, 1, 1)]


@pytest.mark.django_db
def test_the_task_archives_old_months_and_drops_them_and_keeps_the_others(folder, caplog):
    old = _make_month(OLD)
    young = make_call()
    recent = make_call(at=timezone.now() - timedelta(days=20))
    before = _tables()
    tasks.retire_old_months()
    assert before - _tables() == {"2024_12"}
    assert set(ToolCall.objects.all()) == {young, recent}
    path = folder / "mcp_tool_calls_2024_12.ndjson.gz"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    *rows, end = _lines(path)
    assert [row["id"] for row in rows] == [str(call.pk) for call in old]
    assert rows[0]["arguments"] == {"note": "Zoë\n\u2028", "pin": "[redacted]"}
    assert [row["mac"] for row in rows] == [call.mac for call in old]
    assert end == {
        "end": "mcp_tool_calls_2024_12",
        "rows": 2,
        "macs_sha256": hashlib.sha256("".join(call.mac for call in old).encode()).hexdigest(),
        "first_id": str(old[0].pk),
        "last_id": str(old[1].pk),
        "first_seal": 1,
        "last_seal": 1,
    }
    assert verify_chain().dropped == 2
    assert "dropped the log of 2024-12, archived in mcp_tool_calls_2024_12.ndjson.gz" in caplog.text
    assert [one.name for one in folder.iterdir()] == [path.name]
    tasks.retire_old_months()
    assert len(_lines(path)) == 3


@pytest.mark.django_db
def test_an_archived_row_is_all_of_the_row(folder):
    (call, _) = _make_month(OLD)
    (row, *_) = _lines(archive_month(OLD, folder).path)
    assert set(row) == {field.column for field in ToolCall._meta.concrete_fields}
    assert datetime.fromisoformat(row["started_at"]) == call.started_at


@pytest.mark.django_db
def test_without_a_directory_months_are_dropped_only(settings, caplog):
    settings.AUDIT_ARCHIVE_DIR = ""
    _make_month(OLD)
    tasks.retire_old_months()
    assert "2024_12" not in _tables()
    assert "not archived" in caplog.text


@pytest.mark.django_db
def test_who_dies_before_the_drop_leaves_a_month_that_is_archived_again(folder, monkeypatch):
    _make_month(OLD)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(retention, "drop_month", die)
        with pytest.raises(KeyboardInterrupt):
            retire_month(OLD)
    first = (folder / "mcp_tool_calls_2024_12.ndjson.gz").read_bytes()
    assert ToolCall.objects.count() == 2
    (folder / "mcp_tool_calls_2024_12.ndjson.part").write_bytes(b"half of an earlier one")
    tasks.retire_old_months()
    assert "2024_12" not in _tables()
    assert (folder / "mcp_tool_calls_2024_12.ndjson.gz").read_bytes() == first
    assert len(list(folder.iterdir())) == 1


@pytest.mark.django_db
def test_who_dies_while_archiving_leaves_no_archive(folder, monkeypatch):
    _make_month(OLD)
    monkeypatch.setattr(retention.json, "dumps", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        retire_month(OLD)
    assert not list(folder.glob("*.gz"))
    assert ToolCall.objects.count() == 2


@pytest.mark.django_db
def test_a_month_with_a_row_that_its_archive_lacks_is_kept(folder):
    _make_month(OLD)
    archive = archive_month(OLD, folder)
    make_call(at=datetime(2024, 12, 24, tzinfo=UTC), outcome=ok())
    with pytest.raises(NotDroppable, match="has 3 rows, its archive 2"):
        retention.drop_month(OLD, archive)
    assert ToolCall.objects.count() == 3


@pytest.mark.django_db
def test_late_rows_count_as_sealed(folder):
    _make_month(OLD)
    make_call(at=datetime(2024, 12, 5, tzinfo=UTC), outcome=ok())
    assert seal_late_calls() is not None
    tasks.retire_old_months()
    assert "2024_12" not in _tables()


@pytest.mark.django_db
@pytest.mark.parametrize("deed", ["slipped in", "deleted", "never sealed"])
def test_a_month_that_its_seals_do_not_fit_is_kept_as_evidence(folder, caplog, deed):
    """Or dropping it would hide what was done to it."""
    (first, _) = _make_month(OLD)
    if deed == "deleted":
        with without_triggers() as cursor:
            cursor.execute("DELETE FROM mcp_tool_calls WHERE id = %s", [first.pk])
    else:
        month = OLD if deed == "slipped in" else month_after(OLD)
        with connection.cursor() as cursor:
            create_partition(cursor, month)
        make_call(at=datetime(month.year, month.month, 5, tzinfo=UTC), outcome=ok())
    tasks.retire_old_months()
    kept = "2025-01" if deed == "never sealed" else "2024-12"
    assert kept.replace("-", "_") in _tables()
    assert f"the log of {kept} is kept" in caplog.text
    assert "run verify_audit" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("trouble", ["running", "full"])
def test_what_can_not_be_retired_is_told_and_nothing_later_goes_before_it(
    folder, caplog, monkeypatch, trouble
):
    _make_month(OLD)
    _make_month(month_after(OLD))
    if trouble == "running":
        make_call(at=datetime(2024, 12, 24, tzinfo=UTC))
    else:

        def full(_: object) -> None:
            raise OSError("No space left on device")

        monkeypatch.setattr(retention, "_sync_directory", full)
    tasks.retire_old_months()
    assert _tables() >= {"2024_12", "2025_01"}
    (error,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert "the log of 2024-12 is kept" in error.getMessage()


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_dropping_gives_way_to_a_long_read(folder):
    """Or every call would queue behind the lock that it waits for."""
    from concurrent.futures import ThreadPoolExecutor

    def retire() -> None:
        try:
            tasks.retire_old_months()
        finally:
            connection.close()

    _make_month(OLD)
    try:
        with ThreadPoolExecutor(1) as other:
            with transaction.atomic():
                ToolCall.objects.count()  # holds its lock until our commit
                with pytest.raises(OperationalError, match="lock timeout"):
                    other.submit(retire).result(timeout=20)
            assert ToolCall.objects.count() == 2
            other.submit(retire).result(timeout=20)
        assert "2024_12" not in _tables()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS mcp_tool_calls_2024_12")
    assert len(_lines(folder / "mcp_tool_calls_2024_12.ndjson.gz")) == 3


def test_settings_that_lose_what_is_needed_stop_the_start(settings):
    def ids() -> set[str]:
        return {one.id for one in run_checks() if one.id.startswith("audit.")}

    assert ids() == set()
    settings.AUDIT_RETENTION_DAYS = 61
    settings.AUDIT_ARCHIVE_DIR = "archive"
    assert ids() == {"audit.E004", "audit.E005"}
