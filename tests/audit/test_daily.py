"""The log added up by day: exactly, again and again, and never another tenant's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from audit import daily
from audit.daily import DayOfTool, Source
from audit.models import DailyUsage, ToolCall
from cliqtel_portal.ids import uuid7
from tests.factories.audit import failed, make_call, ok

pytestmark = pytest.mark.django_db

TOOLS = ["search_numbers", "whoami"]
TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
MONTH = TODAY.date().replace(day=1)
TENANT = uuid7()
TOKEN = uuid7()


def call(at: datetime = TODAY, **fields: object) -> ToolCall:
    values: dict[str, object] = {"tenant_id": TENANT, "token_id": TOKEN, "outcome": ok()}
    return make_call(at=at, **(values | fields))


def roll_up() -> list[date]:
    return daily.roll_up(tools=TOOLS, now=TODAY)


def found(source: Source | None = None) -> list[tuple[str, int, int, int]]:
    rows = [*daily.month_of(TENANT, MONTH, source)]
    return [(row.tool, row.calls, row.errors, row.refused) for row in rows]


def test_calls_errors_and_refusals_are_kept_apart() -> None:
    call()
    call(outcome=None)
    call(outcome=failed("not_found"))
    call(outcome=failed("rate_limited"), counted=False)
    call(tool="whoami")
    # An execution of an approval is the portal's own deed.
    call(counted=False, parent_id=uuid7(), approval_id=uuid7())

    assert roll_up() == [TODAY.date()]

    assert found() == [("search_numbers", 3, 1, 1), ("whoami", 1, 0, 0)]


def test_names_that_a_client_makes_up_come_together() -> None:
    for number in range(5):
        call(tool=f"hack_{number}", outcome=failed("unknown_tool"))
    roll_up()
    assert found() == [("", 5, 5, 0)]
    assert DailyUsage.objects.count() == 1


def test_adding_up_again_is_exact_and_writes_only_what_changed() -> None:
    call()
    call(tool="whoami")
    roll_up()
    before = dict(DailyUsage.objects.values_list("tool", "pk"))
    call(tool="whoami")
    # What the log doesn't say goes.
    DailyUsage.objects.create(
        tenant_id=TENANT, day=TODAY, tool="gone", source_id=TOKEN, calls=9, errors=0, refused=0
    )
    roll_up()
    roll_up()
    assert found() == [("search_numbers", 1, 0, 0), ("whoami", 2, 0, 0)]
    assert dict(DailyUsage.objects.values_list("tool", "pk")) == before


def test_days_that_nobody_added_up_are_made_up_for() -> None:
    # Their ids lie in the DEFAULT partition, or in months that there are: either will do.
    for days in (40, 3, 1, 0):
        call(TODAY - timedelta(days=days))
    days = [TODAY.date() - timedelta(days=gap) for gap in (40, 3, 1, 0)]
    assert roll_up() == days
    assert roll_up() == days[2:], "then only what may still change"
    assert DailyUsage.objects.count() == 4


def test_a_day_ends_at_midnight_utc_to_the_microsecond() -> None:
    midnight = TODAY.replace(hour=0)
    call(midnight)
    call(midnight - timedelta(microseconds=1))
    roll_up()
    held = dict(DailyUsage.objects.values_list("day", "calls"))
    assert held == {midnight.date(): 1, midnight.date() - timedelta(days=1): 1}


def test_an_app_is_one_source_however_many_tokens_it_has() -> None:
    person, other = uuid7(), uuid7()
    for user in (person, person, other):
        call(token_id=uuid7(), client_id="https://claude.example/client", user_id=user)
    call()
    roll_up()
    app = Source(id=person, client_id="https://claude.example/client")
    assert found(app) == [("search_numbers", 2, 0, 0)]
    assert found(Source(id=TOKEN)) == [("search_numbers", 1, 0, 0)]
    assert next(iter(daily.sources_of(TENANT, MONTH).items())) == (app, 2)
    assert len(daily.sources_of(TENANT, MONTH)) == 3


def test_another_tenants_calls_and_months_are_never_in_it() -> None:
    call(tenant_id=uuid7())
    call()
    roll_up()
    assert found() == [("search_numbers", 1, 0, 0)]
    assert daily.month_of(TENANT, date(2020, 1, 1)) == []
    assert daily.sources_of(uuid7(), MONTH) == {}
    assert daily.month_of(TENANT, MONTH) == [
        DayOfTool(day=TODAY.date(), tool="search_numbers", calls=1, errors=0, refused=0)
    ]


def test_the_last_minute_is_of_each_source() -> None:
    other, person = uuid7(), uuid7()
    call(TODAY - timedelta(seconds=61))
    call(TODAY - timedelta(seconds=59))
    call(TODAY - timedelta(seconds=1), counted=False, outcome=failed("rate_limited"))
    call(TODAY - timedelta(seconds=1), token_id=other)
    for token in [other, other, uuid7()]:
        call(TODAY, token_id=token, user_id=person, client_id="app")

    assert daily.calls_of_last_minute(TENANT, now=TODAY) == {
        Source(id=TOKEN): 1,
        Source(id=other): 1,
        Source(id=person, client_id="app"): 2,
    }
    assert daily.calls_of_last_minute(uuid7(), now=TODAY) == {}
