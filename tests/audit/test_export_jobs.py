"""Exports that a worker writes: whole files, retries, expiry."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError
from django.utils import timezone

from audit import export_jobs, tasks
from audit.export import request_export
from audit.export_formats import COLUMNS, write_xlsx
from audit.models import Export, ToolCall
from cliqtel_portal import celery  # noqa: F401 - so that tasks find its settings
from cliqtel_portal.notices.models import Notice
from tests.audit.exports import csv_rows, xlsx_sheets
from tests.factories.audit import make_call, ok

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> Path:
    settings.EXPORT_STREAM_ROWS = 0
    settings.EXPORT_DIR = tmp_path / "data" / "exports"
    return settings.EXPORT_DIR


@pytest.fixture
def calls(acme):
    for _ in range(3):
        make_call(tenant_id=acme.pk, user_label="+alice", outcome=ok(result={"n": 1}))
    return ToolCall.objects.all()


def _fresh(export: Export) -> Export:
    return Export.objects.get(pk=export.pk)


def _content(export: Export) -> bytes:
    return export_jobs.file_of(export).read_bytes()


def test_a_request_leads_to_a_file_that_others_on_the_machine_can_not_read(
    acme, alice, calls, folder, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        export = request_export(calls, file_format="csv", actor=alice.user, tenant=acme)
    export = _fresh(export)
    assert (export.state, export.rows, export.attempts, export.percent) == ("done", 3, 1, 100)
    assert export.expires_at - export.finished_at == timedelta(hours=24)
    assert [row["id"] for row in csv_rows(_content(export))] == [str(row.pk) for row in calls]
    assert len(_content(export)) == export.size_bytes
    assert [path.name for path in folder.iterdir()] == [f"{export.pk}.csv"]
    assert folder.stat().st_mode & 0o777 == 0o700


def test_an_excel_file_has_the_rows_and_no_formula(acme, alice, calls, folder):
    export = request_export(calls, file_format="xlsx", actor=alice.user, tenant=acme)
    tasks.start_exports()
    (rows,) = xlsx_sheets(_content(export))
    assert tuple(rows[0]) == COLUMNS
    assert [row[0] for row in rows[1:]] == [str(row.pk) for row in calls]
    assert all("'+alice" in row for row in rows[1:])
    assert [path.name for path in folder.iterdir()] == [f"{export.pk}.xlsx"]


def test_a_workbook_goes_on_with_another_sheet(tmp_path):
    rows = [[f"id-{number}", *[None] * (len(COLUMNS) - 1)] for number in range(5)]
    write_xlsx([rows[:3], rows[3:]], tmp_path / "book", sheet_rows=3)
    sheets = xlsx_sheets((tmp_path / "book").read_bytes())
    assert [[row[0] for row in sheet[1:]] for sheet in sheets] == [
        ["id-0", "id-1"],
        ["id-2", "id-3"],
        ["id-4"],
    ]
    write_xlsx([], tmp_path / "empty")
    assert len(xlsx_sheets((tmp_path / "empty").read_bytes())[0]) == 1


def test_all_that_wait_are_written_one_after_the_other(acme, alice, calls):
    exports = [
        request_export(calls, file_format=name, actor=alice.user, tenant=acme)
        for name in ("csv", "ndjson")
    ]
    tasks.start_exports()
    assert [_fresh(export).state for export in exports] == ["done", "done"]


def test_one_that_died_half_way_is_begun_anew(acme, alice, calls, folder):
    export = request_export(calls, file_format="csv", actor=alice.user, tenant=acme)
    Export.objects.filter(pk=export.pk).update(state="running", attempts=1, rows=2)
    (folder / f"{export.pk}.work").mkdir(parents=True)
    (folder / f"{export.pk}.work" / "part").write_text("half a fi")
    tasks.start_exports()
    assert (_fresh(export).state, _fresh(export).rows) == ("done", 3)
    assert len(csv_rows(_content(export))) == 3
    assert [path.name for path in folder.iterdir()] == [f"{export.pk}.csv"]


def test_one_whose_worker_always_dies_has_failed_with_a_reason(acme, alice, calls, folder):
    export = request_export(calls, file_format="csv", actor=alice.user, tenant=acme)
    other = request_export(calls, file_format="csv", actor=alice.user, tenant=acme)
    Export.objects.filter(pk=export.pk).update(state="running", attempts=3)
    (folder / f"{export.pk}.work").mkdir(parents=True)
    tasks.start_exports()
    assert _fresh(export).state == "failed"
    assert "Choose a shorter time." in _fresh(export).error
    told = [(one.level, one.user, one.link) for one in Notice.objects.for_user(acme, alice.user)]
    link = "/numbers/ai-access/activity/exports/"
    assert sorted(told) == [("error", alice.user, link), ("success", alice.user, link)]
    assert _fresh(other).state == "done", "it holds up nobody"
    assert [path.name for path in folder.iterdir()] == [f"{other.pk}.csv"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(DatabaseError("secret words"), "The database"), (OSError(28, "secret words"), "the disk")],
)
def test_what_goes_wrong_is_tried_again_and_then_told(
    acme, alice, calls, monkeypatch, error, reason
):
    export = request_export(calls, file_format="csv", actor=alice.user, tenant=acme)

    def fail(_export: Export) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(export_jobs, "_write", fail)
        tasks.run_exports()
        first = _fresh(export)
        assert (first.state, first.attempts) == ("waiting", 1)
        assert reason in first.error
        assert "secret" not in first.error
    assert not Notice.objects.exists(), "it is tried again"
    tasks.run_exports()
    assert (_fresh(export).state, _fresh(export).error) == ("done", "")
    assert Notice.objects.get().title == "Your export is ready: 3 calls as CSV"

    export = request_export(calls, file_format="csv", actor=alice.user, tenant=acme)
    monkeypatch.setattr(export_jobs, "_write", fail)
    for _ in range(3):
        tasks.run_exports()
    assert _fresh(export).state == "failed"
    assert reason in _fresh(export).error
    assert not export_jobs.file_of(export).exists()


def test_a_second_worker_leaves_it_alone(acme, alice, calls, monkeypatch):
    export = request_export(calls, file_format="csv", actor=alice.user, tenant=acme)

    class Held:
        def __enter__(self) -> bool:
            return False

        def __exit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(tasks, "advisory_lock", lambda _name: Held())
    tasks.run_exports()
    assert (_fresh(export).state, _fresh(export).attempts) == ("waiting", 0)


def test_progress_is_seen_while_it_is_written(acme, alice, calls, settings, monkeypatch):
    settings.EXPORT_PAGE_ROWS = 1
    monkeypatch.setattr(export_jobs, "_PROGRESS_SECONDS", 0.0)
    export = request_export(calls, file_format="csv", actor=alice.user, tenant=acme)
    seen = []
    set_values = export_jobs._set
    monkeypatch.setattr(
        export_jobs, "_set", lambda one, **values: (seen.append(values), set_values(one, **values))
    )
    tasks.run_exports()
    assert [values["rows"] for values in seen if set(values) == {"rows"}] == [1, 2, 3]
    assert _fresh(export).rows == 3


def test_files_go_when_their_time_is_over_and_the_row_stays(acme, alice, calls, folder):
    old = request_export(calls, file_format="csv", actor=alice.user, tenant=acme)
    young = request_export(calls, file_format="csv", actor=alice.user, tenant=acme)
    tasks.start_exports()
    later = timezone.now() + timedelta(hours=25)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_jobs.timezone, "now", lambda: later)
        export_jobs.file_of(young).unlink()  # gone already: no reason to stop
        tasks.delete_expired_exports()
    assert [_fresh(one).state for one in (old, young)] == ["expired", "expired"]
    assert list(folder.iterdir()) == []
    tasks.delete_expired_exports()


def test_a_tenants_file_holds_no_call_of_others(acme, alice, calls, mallory):
    make_call(tenant_id=mallory.tenant_id)
    export = request_export(
        ToolCall.objects.all(), file_format="ndjson", actor=mallory.user, tenant=mallory.tenant
    )
    # Even if the stored filter were wrong, the tenant is held apart from it.
    tasks.start_exports()
    lines = _content(export).decode().splitlines()
    assert len(lines) == 1
    assert str(mallory.tenant_id) in lines[0]
