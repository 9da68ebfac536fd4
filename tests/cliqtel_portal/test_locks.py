from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction

from cliqtel_portal.locks import advisory_lock

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

Try = Callable[[str], bool]


@pytest.fixture
def elsewhere() -> Iterator[Try]:
    """Tries a lock in a connection of its own."""

    def attempt(name: str) -> bool:
        try:
            with advisory_lock(name) as acquired:
                return acquired
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        yield lambda name: thread.submit(attempt, name).result(timeout=20)


def test_a_lock_is_held_by_one_session_at_a_time(elsewhere):
    with advisory_lock("sweep") as acquired:
        assert acquired is True
        assert elsewhere("sweep") is False
        assert elsewhere("another sweep") is True
    assert elsewhere("sweep") is True


def test_who_did_not_get_it_does_not_release_it(elsewhere):
    with advisory_lock("sweep"):
        elsewhere("sweep")
        assert elsewhere("sweep") is False


def test_a_failing_block_releases_it(elsewhere):
    with pytest.raises(ZeroDivisionError), advisory_lock("sweep"):
        1 / 0  # noqa: B018
    assert elsewhere("sweep") is True


def test_it_spans_transactions(elsewhere):
    with advisory_lock("sweep"):
        for _ in range(2):
            with transaction.atomic():
                assert elsewhere("sweep") is False
        assert elsewhere("sweep") is False


def test_a_broken_transaction_around_it_neither_keeps_it_nor_hides_its_error(elsewhere):
    with (
        pytest.raises(DatabaseError, match="division by zero"),
        transaction.atomic(),
        advisory_lock("sweep"),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 1 / 0")
    assert elsewhere("sweep") is True
    with advisory_lock("sweep") as acquired:  # and the connection works on
        assert acquired


def test_a_lost_connection_releases_it(elsewhere):
    with pytest.raises(DatabaseError), advisory_lock("sweep"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert elsewhere("sweep") is True


def test_a_lock_that_was_lost_on_the_way_is_told(caplog):
    with advisory_lock("sweep"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")
    assert "the lock sweep was not held to its end" in caplog.text
