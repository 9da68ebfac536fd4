"""What an export holds, in which form, and that each one is known afterwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from audit import export as exporting
from audit.criteria import calls_matching, criteria_of
from audit.export import TooManyExports, export_response, request_export
from audit.export_formats import COLUMNS, harmless
from audit.models import Export, ToolCall
from cliqtel_portal.errors import InvalidArguments
from cliqtel_portal.ids import uuid7
from tests.audit.exports import body_of, csv_rows
from tests.factories.audit import failed, make_call, ok

pytestmark = pytest.mark.django_db


def _ids(response) -> list[str]:
    return [row["id"] for row in csv_rows(body_of(response))]


def test_the_csv_holds_each_column_of_each_call_newest_first(acme, alice):
    old = make_call(tenant_id=acme.pk, at=timezone.now() - timedelta(days=40))
    new = make_call(
        tenant_id=acme.pk,
        arguments={"note": 'Zoë said "no",\nthen yes', "pin": "hunter2"},
        parent_id=uuid7(),
        outcome=ok(result={"count": 1}, cost_amount=Decimal("1.50"), cost_currency="EUR"),
    )
    calls = ToolCall.objects.all()
    response = export_response(calls, file_format="csv", actor=alice.user, tenant=acme)
    content = body_of(response)
    rows = csv_rows(content)
    assert [row["id"] for row in rows] == [str(new.pk), str(old.pk)]
    assert tuple(rows[0]) == COLUMNS
    row = rows[0]
    assert datetime.fromisoformat(row["started_at"]) == new.started_at
    assert row["started_at"].endswith("Z")
    assert (row["status"], row["duration_ms"], row["counted"]) == ("ok", "12", "true")
    assert json.loads(row["arguments"]) == new.arguments
    assert json.loads(row["result"]) == {"count": 1}
    assert (row["cost_amount"], row["cost_currency"]) == ("1.500000", "EUR")
    assert (row["parent_id"], row["approval_id"], row["mac"]) == (str(new.parent_id), "", new.mac)
    assert b"hunter2" not in content
    assert content.count(b"\r\n") == 3
    assert response["Content-Disposition"].endswith('.csv"')
    assert response["Content-Type"] == "text/csv; charset=utf-8"


def test_the_ndjson_is_one_object_a_line_with_the_same_columns(acme, alice):
    row = make_call(tenant_id=acme.pk, user_label="=alice", outcome=ok(result={"n": [1]}))
    response = export_response(
        ToolCall.objects.all(), file_format="ndjson", actor=alice.user, tenant=acme
    )
    (line,) = body_of(response).decode().splitlines()
    found = json.loads(line)
    assert tuple(found) == COLUMNS
    assert (found["id"], found["result"], found["counted"]) == (str(row.pk), {"n": [1]}, True)
    assert found["user_label"] == "=alice", "no spreadsheet reads it: nothing is put before"
    assert found["parent_id"] is None


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_no_cell_is_a_formula(acme, alice, start):
    words = f"{start}HYPERLINK(1)"
    make_call(
        tenant_id=acme.pk,
        tenant_label=words,
        user_label=words,
        token_label=words,
        client_label=words,
        client_id=words,
        actor_label=words,
        outcome=ok(cost_amount=Decimal("2"), cost_currency="EUR"),
    )
    response = export_response(
        ToolCall.objects.all(), file_format="csv", actor=alice.user, tenant=acme
    )
    (row,) = csv_rows(body_of(response))
    held = [value for value in row.values() if "HYPERLINK" in value]
    assert len(held) == 6
    assert set(held) == {f"'{words}"}
    assert harmless("harmless = really") == "harmless = really"


@pytest.mark.parametrize("formula", ["=1+1", '"=1+1"', " -1", "@SUM(1)", "\uff1d1"])
def test_no_cell_is_a_formula_where_semicolons_part_them(acme, alice, formula):
    make_call(tenant_id=acme.pk, client_label=f"x;{formula};y", arguments={"note": f"a;{formula}"})
    calls = ToolCall.objects.all()
    response = export_response(calls, file_format="csv", actor=alice.user, tenant=acme)
    content = body_of(response)
    cells = [cell.lstrip('" ') for cell in content.decode().split(";")[1:]]
    assert len(cells) == 3
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\uff1d"))]
    assert csv_rows(content)[0]["client_label"] == f"x;'{formula};y"


def test_pages_join_without_a_gap_or_a_double(acme, alice, settings):
    settings.EXPORT_PAGE_ROWS = 3
    for count in (6, 1):  # twice whole pages, then a last one that is not full
        for _ in range(count):
            make_call(tenant_id=acme.pk)
        expected = [str(pk) for pk in ToolCall.objects.values_list("pk", flat=True)]
        calls = ToolCall.objects.all()
        response = export_response(calls, file_format="csv", actor=alice.user, tenant=acme)
        assert _ids(response) == expected


def test_an_export_of_nothing_is_a_header(acme, alice):
    calls = ToolCall.objects.none()
    make_call(tenant_id=acme.pk)
    response = export_response(calls, file_format="csv", actor=alice.user, tenant=acme)
    assert body_of(response).decode().strip() == ",".join(COLUMNS)


def test_a_tenants_export_holds_no_call_of_others_whatever_is_asked(acme, alice, mallory):
    mine = make_call(tenant_id=acme.pk)
    make_call(tenant_id=mallory.tenant_id)
    for calls in (ToolCall.objects.all(), ToolCall.objects.exclude(tenant_id=acme.pk)):
        response = export_response(calls, file_format="csv", actor=alice.user, tenant=acme)
        assert set(_ids(response)) <= {str(mine.pk)}
    everything = export_response(
        ToolCall.objects.all(), file_format="csv", actor=alice.user, tenant=None
    )
    assert len(_ids(everything)) == 2


def test_rows_that_come_after_the_question_are_not_in_the_answer(acme, alice):
    row = make_call(tenant_id=acme.pk)
    response = export_response(
        ToolCall.objects.all(), file_format="csv", actor=alice.user, tenant=acme
    )
    make_call(tenant_id=acme.pk, at=timezone.now() + timedelta(seconds=1))
    assert _ids(response) == [str(row.pk)]


def test_a_filter_means_the_same_as_data():
    now = timezone.now()
    rows = [
        make_call(tool="whoami", at=now - timedelta(days=3)),
        make_call(tool="get_pricing", user_label="Bob_1%", outcome=failed("not_found")),
        make_call(tool="get_pricing", approval_id=uuid7(), counted=False, outcome=ok()),
    ]
    every = ToolCall.objects.all()
    for calls in (
        every,
        every.none(),
        every.filter(tool="whoami"),
        every.filter(pk__in=[rows[0].pk, rows[2].pk]),
        every.since(now - timedelta(days=1)).until(now),
        every.filter(started_at__gte=now - timedelta(days=1)).defer("arguments"),
        every.filter(user_label__icontains="bob_1%") | every.filter(tool="whoami"),
        every.exclude(approval_id=None),
        every.exclude(tool="get_pricing", status="ok"),
        every.filter(approval_id__isnull=True, counted=True).order_by("tool"),
        every.filter(duration_ms__gte=12).exclude(user_label__startswith="Bob"),
    ):
        stored = json.loads(json.dumps(criteria_of(calls)))
        found = set(calls_matching(stored).values_list("pk", flat=True))
        assert found == set(calls.values_list("pk", flat=True)), str(calls.query)


def test_what_has_no_form_as_data_is_refused_rather_than_left_out():
    every = ToolCall.objects.all()
    for calls in (
        every[:5],
        every.union(every),
        every.filter(arguments__country="NL"),
        every.filter(started_at__year=2026),
        every.filter(tool__regex="x"),
        every.filter(pk__in=every.values("parent_id")),
    ):
        with pytest.raises(TypeError):
            criteria_of(calls)
    for forged in (
        {},
        {"any": []},
        {"column": "arguments", "lookup": "exact", "value": "1"},
        {"column": "tool", "lookup": "regex", "value": "x"},
    ):
        with pytest.raises(ValueError, match="not the criteria"):
            calls_matching(forged)


def test_each_export_leaves_a_row_and_staffs_one_in_the_admins_log_too(acme, alice):
    make_call(tenant_id=acme.pk, tool="whoami")
    calls = ToolCall.objects.filter(tool="whoami")
    export_response(calls, file_format="csv", actor=alice.user, tenant=acme)
    export = Export.objects.get()
    assert (export.actor_id, export.actor_label) == (alice.user.pk, alice.user.email)
    assert (export.tenant_id, export.tenant_label) == (acme.pk, "Acme Test")
    assert (export.state, export.rows, export.format) == ("sent", 1, "csv")
    assert calls_matching(export.criteria).count() == 1
    assert not LogEntry.objects.exists()
    export_response(calls, file_format="csv", actor=alice.user, tenant=None)
    entry = LogEntry.objects.get()
    assert entry.object_id == str(Export.objects.first().pk)
    assert entry.user_id == alice.user.pk


def test_who_exported_what_is_never_taken_back(acme, alice):
    export = request_export(
        ToolCall.objects.all(), file_format="csv", actor=alice.user, tenant=acme
    )
    rows = Export.objects.filter(pk=export.pk)
    for attempt in (
        rows.delete,
        lambda: rows.update(actor_label="nobody"),
        lambda: rows.update(criteria={}),
        lambda: rows.update(state="waiting"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            attempt()
    assert rows.get().actor_label == alice.user.email


def test_many_rows_and_excel_files_wait_for_a_worker(acme, alice, settings):
    for _ in range(3):
        make_call(tenant_id=acme.pk)
    calls = ToolCall.objects.all()
    settings.EXPORT_STREAM_ROWS = 3
    at_once = request_export(calls, file_format="csv", actor=alice.user, tenant=acme)
    settings.EXPORT_STREAM_ROWS = 2
    later = request_export(calls, file_format="csv", actor=alice.user, tenant=acme)
    excel = request_export(calls.none(), file_format="xlsx", actor=alice.user, tenant=acme)
    assert [one.state for one in (at_once, later, excel)] == ["sent", "waiting", "waiting"]
    response = export_response(calls, file_format="ndjson", actor=alice.user, tenant=acme)
    assert (response.status_code, response["Location"]) == (
        302,
        "/numbers/ai-access/activity/exports/",
    )
    with pytest.raises(TooManyExports, match="3 exports under way"):
        export_response(calls, file_format="xlsx", actor=alice.user, tenant=acme)
    assert Export.objects.count() == 4


def test_counting_that_takes_too_long_leaves_it_to_a_worker(acme, alice, settings):
    settings.EXPORT_COUNT_MS = 50
    with connection.cursor() as cursor:
        # In this transaction only: each row read takes a while.
        cursor.execute(
            "CREATE FUNCTION pg_temp.slow(text) RETURNS boolean LANGUAGE sql"
            " AS 'SELECT pg_sleep(0.5) IS NOT NULL'"
        )
        cursor.execute("ALTER TABLE mcp_tool_calls ENABLE ROW LEVEL SECURITY")
        cursor.execute("ALTER TABLE mcp_tool_calls FORCE ROW LEVEL SECURITY")
        cursor.execute("CREATE POLICY slow ON mcp_tool_calls USING (pg_temp.slow(tool))")
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        (exempt,) = cursor.fetchone()
    if exempt:
        pytest.skip("this role is exempt from row level security")
    make_call(tenant_id=acme.pk)
    export = request_export(
        ToolCall.objects.all(), file_format="csv", actor=alice.user, tenant=acme
    )
    assert export.state == "waiting"


def test_a_stream_that_breaks_off_does_not_pass_for_the_whole(acme, alice, monkeypatch, caplog):
    make_call(tenant_id=acme.pk)

    def fail(*_args: object, **_kwargs: object) -> None:
        raise DatabaseError("gone: password=hunter2")

    calls = ToolCall.objects.all()
    for file_format in ("csv", "ndjson"):
        response = export_response(calls, file_format=file_format, actor=alice.user, tenant=acme)
        with monkeypatch.context() as patch:
            patch.setattr(exporting, "read_page", fail)
            content = body_of(response).decode()
        assert content.rstrip('}"\r\n').endswith("it is not whole. Export again.")
        assert "hunter2" not in content
    assert "broke off" in caplog.text


def test_there_is_no_other_format(acme, alice):
    with pytest.raises(InvalidArguments) as caught:
        export_response(ToolCall.objects.all(), file_format="pdf", actor=alice.user, tenant=acme)
    assert [problem.field for problem in caught.value.problems] == ["format"]
    assert not Export.objects.exists()


def test_times_are_utc(acme, alice):
    moment = datetime(2026, 11, 20, 23, 59, 59, 123000, tzinfo=UTC)
    make_call(tenant_id=acme.pk, at=moment)
    response = export_response(
        ToolCall.objects.all(), file_format="csv", actor=alice.user, tenant=acme
    )
    assert csv_rows(body_of(response))[0]["started_at"] == "2026-11-20T23:59:59.123000Z"
