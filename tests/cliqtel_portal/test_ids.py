from __future__ import annotations

import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

import time_machine

from cliqtel_portal.ids import first_uuid7_at, moment_of, uuid7


def test_ids_are_uuid_version_7():
    made = uuid7()
    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_ids_made_one_after_the_other_are_in_order_also_as_text():
    made = [uuid7() for _ in range(20_000)]  # several thousand in a millisecond
    assert made == sorted(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)
    assert len(set(made)) == len(made)


def test_ids_of_eight_threads_are_unique_and_each_sees_its_own_grow():
    made: list[list[uuid.UUID]] = [[] for _ in range(8)]

    def work(own: list[uuid.UUID]) -> None:
        own.extend(uuid7() for _ in range(3_000))

    threads = [threading.Thread(target=work, args=(own,)) for own in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(own == sorted(own) for own in made)
    assert len({one for own in made for one in own}) == 24_000


def test_ids_keep_growing_while_the_clock_stands_still_or_slips_back(monkeypatch):
    ahead = time.time_ns() + 5_000_000_000  # within its jitter
    monkeypatch.setattr("cliqtel_portal.ids._last_ms", ahead // 1_000_000)
    monkeypatch.setattr("cliqtel_portal.ids._sequence", 0xFFE)
    made = [uuid7() for _ in range(5_000)]
    assert made == sorted(made)
    assert len(set(made)) == 5_000
    # 4095 in the first millisecond are used up: two are borrowed, not more.
    assert (made[-1].int >> 80) - ahead // 1_000_000 == 2


def test_an_id_tells_when_it_was_made():
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    made = moment_of(uuid7())
    # Earlier tests may have borrowed some milliseconds.
    assert before <= made <= datetime.now(UTC) + timedelta(seconds=1)


def test_the_first_id_of_a_moment_bounds_all_made_from_then_on():
    low = first_uuid7_at(datetime.now(UTC))
    assert low < uuid7()
    assert low.version == 7
    assert low.variant == uuid.RFC_4122


def test_the_first_ids_of_months_are_exact():
    for month in range(1, 13):
        start = datetime(2031, month, 1, tzinfo=UTC)
        assert moment_of(first_uuid7_at(start)) == start
        assert first_uuid7_at(start - timedelta(milliseconds=1)) < first_uuid7_at(start)


def test_the_first_id_of_a_moment_is_never_early():
    start = datetime(2026, 11, 21, tzinfo=UTC)
    for step in range(5_000):
        moment = start + timedelta(milliseconds=step * 7 + 1)
        assert moment_of(first_uuid7_at(moment)) == moment


def test_a_clock_that_is_set_back_is_believed():
    with time_machine.travel(datetime.now(UTC) + timedelta(days=40)):
        uuid7()
    assert moment_of(uuid7()) <= datetime.now(UTC) + timedelta(seconds=1)
