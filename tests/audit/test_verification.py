"""`verify_audit` is green for what happens, and red for what somebody with the database does."""

from __future__ import annotations

import io
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import seals, services
from audit.models import Seal, ToolCall
from audit.partitions import create_partition
from audit.seal_record import digest_of
from audit.verification import verify_chain
from tests.factories.audit import make_call, make_record, ok
from tests.factories.seals import ago, middle, mixed_traffic, seal_in, without_triggers

pytestmark = pytest.mark.django_db

_COLUMNS = [field.column for field in ToolCall._meta.concrete_fields]


def _verify(*arguments: str) -> str:
    out = io.StringIO()
    call_command("verify_audit", *arguments, stdout=out)
    return out.getvalue()


def _broken(*arguments: str) -> str:
    with pytest.raises(CommandError) as refused:
        _verify(*arguments)
    assert refused.value.returncode == 1
    text = str(refused.value)
    assert text.startswith("chain broken: ")
    return text.removeprefix("chain broken: ")


def _tamper(statement: str, *parameters: object) -> None:
    with without_triggers() as cursor:
        cursor.execute(statement, parameters)
        assert cursor.rowcount


def _copy(row: ToolCall, identifier: uuid.UUID) -> None:
    columns = ", ".join(column for column in _COLUMNS if column != "id")
    _tamper(
        f"INSERT INTO mcp_tool_calls (id, {columns}) SELECT %s, {columns} FROM mcp_tool_calls"
        " WHERE id = %s",
        identifier,
        row.pk,
    )


@pytest.fixture
def rows() -> list[ToolCall]:
    """Under three seals of two rows each."""
    made = []
    for minutes in (30, 25, 20):
        start = ago(minutes=minutes)
        made += [make_call(at=start + timedelta(seconds=n), outcome=ok()) for n in range(2)]
        seals.seal_closed_calls(now=start + timedelta(minutes=4))
    assert Seal.objects.count() == 3
    return made


def test_an_empty_log_is_in_order():
    assert _verify().startswith("chain ok, 0 rows\n")


def test_mixed_traffic_is_in_order_and_what_is_not_sealed_is_told():
    traffic = mixed_traffic(minutes_ago=40)
    seals.seal_closed_calls(now=ago(minutes=35))
    stray = make_call(at=traffic[2].started_at, outcome=ok())
    late = seals.seal_late_calls(since=ago(hours=1))
    mixed_traffic(minutes_ago=20)
    seal_in()
    make_call(at=ago(seconds=30), outcome=ok())
    make_call(at=ago(seconds=20))
    text = _verify()
    assert text.splitlines()[0] == "chain ok, 15 rows"
    head = Seal.objects.get(number=3)
    assert f"seals 1 to 3, up to {ago(seconds=60):%Y-%m-%d %H:%M:%S} UTC" in text
    assert f"head 3:{head.digest}" in text
    assert "1 rows came after their range was sealed, and have late seals" in text
    assert "1 rows have no seal yet; checked by their own codes" in text
    assert "1 rows are still running" in text
    assert late is not None
    assert ToolCall.objects.filter(pk=stray.pk, id__gte=late.low, id__lt=late.high).exists()


@pytest.mark.parametrize("which", [0, 2, 5])
@pytest.mark.parametrize(
    "change",
    [
        "result = '{\"numbers\": 99}'",
        "tool = 'whoami'",
        "counted = NOT counted",
        "mac = repeat('0', 64)",
        "mac = 'not a mac'",
        "started_at = started_at - interval '1 second'",
    ],
)
def test_an_updated_row_is_named(rows, which, change):
    _tamper(f"UPDATE mcp_tool_calls SET {change} WHERE id = %s", rows[which].pk)
    assert _broken() == f"row {rows[which].pk}: changed: its code does not fit"


@pytest.mark.parametrize("which", range(6))
def test_a_deleted_row_is_named(rows, which):
    _tamper("DELETE FROM mcp_tool_calls WHERE id = %s", rows[which].pk)
    assert _broken() == f"row {rows[which].pk}: missing, though seal {which // 2 + 1} has it"


def test_of_many_deleted_rows_the_first_is_named(rows):
    _tamper("DELETE FROM mcp_tool_calls")
    assert _broken() == f"row {rows[0].pk}: missing, though seal 1 has it"


@pytest.mark.parametrize("which", [0, 1, 5])
def test_a_row_copied_into_a_sealed_range_is_named(rows, which):
    forged = uuid.UUID(int=rows[which].pk.int + 1)
    _copy(rows[0], forged)
    assert _broken() == f"row {forged}: inserted: its code does not fit"


@pytest.mark.parametrize("beside", [-1, 1])
def test_a_row_forged_before_all_seals_or_after_them_is_named(rows, beside):
    edge = rows[0] if beside < 0 else rows[-1]
    forged = uuid.UUID(int=edge.pk.int + beside * (1 << 120))
    _copy(rows[0], forged)
    assert f"row {forged}: " in _broken()
    assert "inserted" in _broken()


def test_a_forged_row_that_was_sealed_with_the_others_is_named():
    row = make_call(at=ago(minutes=30), outcome=ok())
    forged = uuid.UUID(int=row.pk.int + 1)
    _copy(row, forged)
    assert seal_in() == 2
    assert _broken() == f"row {forged}: changed: its code does not fit"


def test_a_row_put_back_to_running_with_its_first_mac_is_named():
    record = make_record(at=ago(minutes=30))
    services.open_tool_call_sync(record, month_limit=None)
    opened = ToolCall.objects.get(pk=record.id)
    services.close_tool_call_sync(record, ok())
    seal_in()
    _tamper(
        "UPDATE mcp_tool_calls SET status = 'running', duration_ms = NULL, mac = %s WHERE id = %s",
        opened.mac,
        opened.pk,
    )
    assert services.is_authentic(ToolCall.objects.get(pk=opened.pk))
    assert _broken() == f"row {opened.pk}: changed after seal 1"


def test_a_row_signed_anew_with_the_key_is_named_all_the_same(rows):
    record = services.record_of(rows[3])
    _tamper("DELETE FROM mcp_tool_calls WHERE id = %s", rows[3].pk)
    services.open_tool_call_sync(record, month_limit=None)
    services.close_tool_call_sync(record, ok(duration_ms=1))
    assert services.is_authentic(ToolCall.objects.get(pk=record.id))
    assert _broken() == f"row {record.id}: changed after seal 2"


def test_a_row_that_is_there_twice_is_named(rows):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE mcp_tool_calls DROP CONSTRAINT mcp_tool_calls_pkey")
    _tamper("INSERT INTO mcp_tool_calls SELECT * FROM mcp_tool_calls WHERE id = %s", rows[1].pk)
    assert _broken() == f"row {rows[1].pk}: inserted: it is there twice"


def test_a_changed_or_deleted_late_row_is_named(rows):
    stray = make_call(at=rows[1].started_at + timedelta(milliseconds=5), outcome=ok())
    seals.seal_late_calls(since=ago(hours=1))
    assert _verify().startswith("chain ok, 7 rows")
    _tamper("UPDATE mcp_tool_calls SET tool = 'whoami' WHERE id = %s", stray.pk)
    assert f"row {stray.pk}: inserted: its code does not fit" in _broken()
    _tamper("DELETE FROM mcp_tool_calls WHERE id = %s", stray.pk)
    assert _broken() == f"row {stray.pk}: missing, though seal 4 has it"


def test_many_late_rows_of_a_range_are_asked_for_once(rows, django_assert_num_queries):
    with CaptureQueriesContext(connection) as without:
        verify_chain()
    for n in range(1, 7):
        make_call(at=rows[0].started_at + timedelta(milliseconds=100 * n), outcome=ok())
    seals.seal_late_calls(since=ago(hours=1))
    # Those of the first range, and the rows of the late seal by their ids.
    with django_assert_num_queries(len(without) + 2):
        assert verify_chain().late == 6


@pytest.mark.parametrize(
    "change",
    [
        "count = count + 1",
        "low = gen_random_uuid(), high = 'ffffffff-ffff-ffff-ffff-ffffffffffff'",
        "kind = 'late'",
        "members = overlay(members PLACING '\\x00'::bytea FROM 1)",
        "content = repeat('0', 64)",
        "previous = repeat('1', 64)",
        "digest = repeat('0', 64)",
        "sealed_at = sealed_at - interval '1 day'",
        "mac = repeat('0', 64)",
    ],
)
def test_a_changed_seal_is_named(rows, change):
    _tamper(f"UPDATE audit_seal SET {change} WHERE number = 2")
    assert _broken() == "seal 2 was changed, forged or moved: its code does not fit"


def test_seals_that_changed_places_are_named(rows):
    for old, new in ((2, 9), (3, 2), (9, 3)):
        _tamper("UPDATE audit_seal SET number = %s WHERE number = %s", new, old)
    assert _broken() == "seal 2 was changed, forged or moved: its code does not fit"


def test_a_row_deleted_together_with_its_place_in_the_seal_is_found(rows):
    """The seal fits its rows then, and has a digest of its own; only the key is missing."""
    _tamper("DELETE FROM mcp_tool_calls WHERE id = %s", rows[5].pk)
    seal = Seal.objects.get(number=3)
    left = [(rows[4].pk, rows[4].mac)]
    seal.count, seal.members = 1, seals.pack(left)
    seal.content = seals.Content(left).hexdigest()
    seal.digest = digest_of(seal)
    with without_triggers():
        seal.save()
    assert _broken() == "seal 3 was changed, forged or moved: its code does not fit"


def test_a_seal_missing_between_others_is_named(rows):
    _tamper("DELETE FROM audit_seal WHERE number = 2")
    assert _broken() == "seal 2 is missing"


def test_seals_missing_at_the_beginning_are_found_by_the_rows_before(rows):
    _tamper("DELETE FROM audit_seal WHERE number <= 2")
    assert _broken() == f"seal 2 is missing: row {rows[0].pk} is older than all seals"


def test_seals_cut_off_at_the_beginning_with_their_rows_are_found(rows):
    _tamper("DELETE FROM audit_seal WHERE number = 1")
    _tamper("DELETE FROM mcp_tool_calls WHERE id IN (%s, %s)", rows[0].pk, rows[1].pk)
    assert _broken() == "seal 1 is missing: the chain begins with seal 2"
    assert _verify("--since", ago(minutes=25).isoformat()).startswith("chain ok, 4 rows")


def test_seals_cut_off_at_the_end_are_found_by_an_anchor(rows):
    head = Seal.objects.get(number=3)
    anchor = f"3:{head.digest}"
    assert _verify("--anchor", anchor).startswith("chain ok")
    _tamper("DELETE FROM audit_seal WHERE number = 3")
    _tamper("DELETE FROM mcp_tool_calls WHERE id IN (%s, %s)", rows[4].pk, rows[5].pk)
    assert _verify().startswith("chain ok, 4 rows"), "the database alone can't know"
    assert "the chain ends before seal 3" in _broken("--anchor", anchor)
    assert "the chain ends before seal 3" in _broken(
        "--anchor", anchor, "--since", f"{middle():%Y-%m-%d}"
    )
    make_call(at=ago(minutes=10), outcome=ok())
    seal_in()
    assert "seal 3 was replaced" in _broken("--anchor", anchor)


def test_since_begins_with_the_seal_that_holds_the_moment(rows):
    _tamper("UPDATE mcp_tool_calls SET tool = 'whoami' WHERE id = %s", rows[1].pk)
    since = ago(minutes=25)
    text = _verify("--since", since.isoformat())
    assert text.startswith("chain ok, 4 rows")
    assert "seals 2 to 3" in text
    assert "seals before 2 were not looked at" in text
    assert str(rows[1].pk) in _broken("--since", ago(minutes=31).isoformat())
    assert "chain ok, 0 rows" in _verify("--since", middle().isoformat())


@pytest.mark.parametrize(
    "arguments", [("--since", "yesterday"), ("--anchor", "3"), ("--anchor", "x:y")]
)
def test_what_can_not_be_read_is_told(arguments):
    with pytest.raises(CommandError, match=r"write NUMBER:DIGEST|is not a date or time"):
        _verify(*arguments)


def test_rows_and_seals_of_retired_keys_verify_by_their_ids(rows, settings):
    settings.AUDIT_OLD_KEYS = {"k1": settings.AUDIT_KEY}
    settings.AUDIT_KEY, settings.AUDIT_KEY_ID = "another key of the log " * 3, "k2"
    new = make_call(at=ago(minutes=10), outcome=ok())
    seal_in()
    assert Seal.objects.get(number=4).mac_key_id == new.mac_key_id == "k2"
    assert _verify().startswith("chain ok, 7 rows")
    settings.AUDIT_OLD_KEYS = {}
    assert "the key k1 is neither AUDIT_KEY's nor in AUDIT_OLD_KEYS" in _broken()
    settings.AUDIT_OLD_KEYS = {"k1": "not that one"}
    assert _broken() == "seal 1 was changed, forged or moved: its code does not fit"


def test_verifying_writes_nothing_and_changes_nothing(rows):
    before = list(Seal.objects.values_list("digest", flat=True))
    verify_chain()
    assert list(Seal.objects.values_list("digest", flat=True)) == before


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_what_is_written_and_sealed_meanwhile_disturbs_no_verification(monkeypatch):
    """It reads one snapshot: else rows sealed between two of its reads would seem wrong."""
    mixed_traffic()
    seals.seal_closed_calls(now=ago(minutes=25))
    mixed_traffic(minutes_ago=20)

    def seal() -> None:
        try:
            mixed_traffic(minutes_ago=10)
            seal_in()
        finally:
            connection.close()

    def seal_meanwhile(members):
        with ThreadPoolExecutor(1) as other:
            other.submit(seal).result(timeout=20)
        return seals.unpack(members)

    with monkeypatch.context() as patch:
        patch.setattr("audit.verification.unpack", seal_meanwhile)
        report = verify_chain()
    assert (report.rows, report.seals, report.unsealed) == (12, 1, 6)
    report = verify_chain()
    assert (report.rows, report.seals, report.unsealed) == (18, 2, 0)


def test_the_rows_of_a_dropped_partition_are_told_and_not_missed():
    """Retention: seals outlive the rows."""
    month = datetime(2024, 11, 1, tzinfo=UTC)
    with connection.cursor() as cursor:
        create_partition(cursor, month.date())
        old = [make_call(at=month + timedelta(days=n), outcome=ok()) for n in range(3)]
        kept = [make_call(at=month + timedelta(days=40 + n), outcome=ok()) for n in range(2)]
        seals.seal_closed_calls(now=month + timedelta(days=60))
        assert verify_chain().dropped == 0
        cursor.execute("DROP TABLE mcp_tool_calls_2024_11")
    text = _verify()
    assert text.startswith("chain ok, 2 rows")
    assert "3 sealed rows are gone with the partitions of their months" in text
    _copy(kept[0], old[0].pk)
    assert _broken() == f"row {old[0].pk}: changed: its code does not fit"


def test_a_partition_that_is_gone_before_its_time_is_told(rows, settings):
    settings.AUDIT_RETENTION_DAYS = 30
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE mcp_tool_calls_{middle():%Y_%m}")
    assert _broken() == (
        f"row {rows[0].pk}: missing: the partition of {middle():%Y-%m} is gone, though rows are"
        " kept for 30 days (AUDIT_RETENTION_DAYS)"
    )


def test_a_seal_is_checked_even_when_its_rows_are_gone():
    month = datetime(2024, 11, 1, tzinfo=UTC)
    with connection.cursor() as cursor:
        create_partition(cursor, month.date())
        make_call(at=month, outcome=ok())
        seals.seal_closed_calls(now=month + timedelta(days=60))
        cursor.execute("DROP TABLE mcp_tool_calls_2024_11")
    _tamper("UPDATE audit_seal SET count = 0 + count, sealed_at = now()")
    assert _broken() == "seal 1 was changed, forged or moved: its code does not fit"
