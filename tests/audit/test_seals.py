"""Which rows come under which seal, and when."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit import seals, services, tasks
from audit.models import Seal, ToolCall
from audit.seal_record import BEFORE_THE_FIRST, is_genuine, unpack
from cliqtel_portal.ids import first_uuid7_at
from tests.factories.audit import failed, make_call, make_record, ok
from tests.factories.seals import ago, middle, mixed_traffic, seal_in, without_triggers

pytestmark = pytest.mark.django_db


def _members(seal: Seal) -> list[uuid.UUID]:
    return [identifier for identifier, _ in unpack(seal.members)]


def _sealed() -> list[uuid.UUID]:
    return [row for seal in Seal.objects.order_by("number") for row in _members(seal)]


def _late(**options) -> Seal | None:
    return seals.seal_late_calls(since=ago(hours=1), **options)


def test_closed_rows_are_sealed_once_in_the_order_of_ids():
    rows = mixed_traffic()
    assert seal_in() == len(rows)
    assert seal_in() == 0
    (seal,) = Seal.objects.all()
    assert _members(seal) == [row.pk for row in rows]
    assert (seal.number, seal.kind, seal.count) == (1, "range", len(rows))
    assert seal.previous == BEFORE_THE_FIRST
    assert is_genuine(seal)


def test_each_seal_follows_the_one_before_and_a_quiet_minute_makes_none():
    for minutes in (30, 20):
        mixed_traffic(minutes_ago=minutes)
        seals.seal_closed_calls(now=ago(minutes=minutes - 5))
        seals.seal_closed_calls(now=ago(minutes=minutes - 6))
    first, second = Seal.objects.order_by("number")
    assert (second.number, second.previous) == (2, first.digest)
    assert second.low == first.high


def test_a_row_waits_for_its_grace():
    row = make_call(at=ago(seconds=50), outcome=ok())
    assert seal_in() == 0
    assert seal_in(seconds=11) == 1
    assert _sealed() == [row.pk]


def test_a_running_row_holds_up_what_came_after_it_until_it_closes():
    before = make_call(at=ago(seconds=300), outcome=ok())
    record = make_record(at=ago(seconds=250))
    services.open_tool_call_sync(record, month_limit=None)
    after = make_call(at=ago(seconds=200), outcome=ok())
    assert seal_in() == 1
    assert _sealed() == [before.pk]
    services.close_tool_call_sync(record, ok())
    assert seal_in() == 2
    assert _sealed() == [before.pk, record.id, after.pk]


def test_what_still_runs_after_the_wait_is_sealed_late():
    record = make_record(at=ago(seconds=1000))
    services.open_tool_call_sync(record, month_limit=None)
    after = make_call(at=ago(seconds=200), outcome=ok())
    assert seal_in() == 1
    assert _late() is None
    services.close_tool_call_sync(record, failed("interrupted"))
    late = _late()
    assert late is not None
    assert (late.number, late.kind, _members(late)) == (2, "late", [record.id])
    assert _late() is None
    assert _sealed() == [after.pk, record.id]


def test_a_row_written_into_a_sealed_range_is_sealed_late(caplog):
    rows = mixed_traffic()
    seal_in()
    stray = make_call(at=rows[2].started_at, outcome=ok())
    late = _late()
    assert late is not None
    assert _members(late) == [stray.pk]
    assert late.low <= stray.pk < late.high
    assert "1 tool calls came after their range was sealed" in caplog.text
    assert seal_in() == 0
    assert seals.sealed_up_to() == Seal.objects.get(number=1).high


def test_the_next_range_follows_the_last_range_and_not_a_late_seal():
    rows = mixed_traffic(minutes_ago=40)
    seal_in()
    make_call(at=rows[1].started_at, outcome=ok())
    late = _late()
    later = make_call(at=middle(), outcome=ok())
    assert seal_in(seconds=70) == 1
    last = Seal.objects.get(number=3)
    assert late is not None
    assert (last.previous, last.low) == (late.digest, Seal.objects.get(number=1).high)
    assert _members(last) == [later.pk]


def test_rows_later_than_the_window_are_found_by_the_daily_look():
    rows = mixed_traffic(minutes_ago=180)
    mixed_traffic(minutes_ago=30)
    for minutes in (100, 0):
        seals.seal_closed_calls(now=ago(minutes=minutes))
    stray = make_call(at=rows[0].started_at, outcome=ok())
    assert _late() is None
    tasks.anchor_chain()
    assert _sealed()[-1] == stray.pk


def test_a_forged_row_is_never_sealed_late(caplog):
    rows = mixed_traffic()
    seal_in()
    copy = ToolCall.objects.get(pk=rows[0].pk)
    copy.pk = uuid.UUID(int=rows[0].pk.int + 1)
    copy.save(force_insert=True)
    assert _late() is None
    assert f"tool call {copy.pk} was slipped in" in caplog.text
    assert copy.pk not in _sealed()


def test_rows_gone_from_a_sealed_range_are_an_error_in_the_log(caplog):
    rows = mixed_traffic()
    seal_in()
    with without_triggers() as cursor:
        cursor.execute("DELETE FROM mcp_tool_calls WHERE id = %s", [rows[1].pk])
    assert _late() is None
    assert "1 sealed tool calls are missing" in caplog.text


def test_a_seal_has_no_more_rows_than_allowed(settings):
    settings.AUDIT_SEAL_MAX_ROWS = 4
    rows = mixed_traffic()
    assert seal_in() == len(rows)
    first, second = Seal.objects.order_by("number")
    assert (first.count, second.count) == (4, 2)
    assert first.high == second.low == rows[4].pk
    assert _sealed() == [row.pk for row in rows]


def test_a_seal_lies_within_one_month():
    month = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (month + timedelta(days=32)).replace(day=1)
    last = make_call(at=following - timedelta(seconds=1), outcome=ok())
    first = make_call(at=following, outcome=ok())
    assert seals.seal_closed_calls(now=following + timedelta(hours=1)) == 2
    one, two = Seal.objects.order_by("number")
    assert (_members(one), _members(two)) == ([last.pk], [first.pk])
    assert one.high == two.low == first_uuid7_at(following)


def test_a_sealer_that_dies_leaves_nothing_and_the_next_seals_the_same(monkeypatch):
    rows = mixed_traffic()

    def die(*_args, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Seal, "save", die)
        with pytest.raises(KeyboardInterrupt):
            seal_in()
    assert not Seal.objects.exists()
    assert seal_in() == len(rows)


def test_the_lag_is_the_age_of_the_oldest_row_without_a_seal():
    now = middle()
    assert seals.lag(now=now) == timedelta(0)
    make_call(at=now - timedelta(seconds=300))  # runs
    make_call(at=now - timedelta(seconds=100), outcome=ok())
    make_call(id=uuid.UUID(int=2**128 - 1), outcome=ok())  # of no time that there is
    assert seals.lag(now=now).total_seconds() == pytest.approx(100, abs=0.01)


def test_the_lag_falls_with_the_seal():
    mixed_traffic()
    assert seals.lag(now=middle()) == timedelta(minutes=30)
    seal_in()
    assert seals.lag(now=middle()) == timedelta(0)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_seal SET digest = digest", "DELETE FROM audit_seal"]
)
def test_seals_are_append_only(statement):
    mixed_traffic()
    seal_in()
    with (
        pytest.raises(IntegrityError, match="seals are append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"kind": "other"}, "audit_seal_kind_valid"),
        ({"count": 0}, "audit_seal_has_rows"),
        ({"high": uuid.UUID(int=0)}, "audit_seal_range_not_empty"),
        ({"digest": "1" * 64}, "audit_seal_one_successor"),
        ({"previous": "1" * 64}, "audit_seal_digest_once"),
    ],
)
def test_a_seal_that_makes_no_sense_is_refused(change, constraint):
    mixed_traffic()
    seal_in()
    seal = Seal.objects.get()
    seal.number = 2
    for name, value in change.items():
        setattr(seal, name, value)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        seal.save(force_insert=True)


def test_a_row_with_an_id_of_the_default_partition_is_sealed_too():
    row = make_call(at=datetime(2001, 5, 5, tzinfo=UTC), outcome=ok())
    seal_in()
    assert _sealed() == [row.pk]


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_two_sealers_at_once_make_one_chain(settings):
    settings.AUDIT_SEAL_MAX_ROWS = 2
    rows = mixed_traffic()
    barrier = threading.Barrier(2)

    def seal() -> int:
        try:
            connection.ensure_connection()
            barrier.wait(20)
            return seal_in()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        counts = [work.result(30) for work in [pool.submit(seal), pool.submit(seal)]]
    assert sum(counts) == len(rows)
    assert _sealed() == [row.pk for row in rows]
    assert list(Seal.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3]
