"""What happens to a tenant's month by the clock: warnings, and the statement when it is over."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from audit.models import DailyUsage, MonthlyUsage
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.billing.models import LedgerEntry, UsageStatement
from cliqtel_portal.celery import app as celery
from cliqtel_portal.ids import uuid7
from cliqtel_portal.notices.models import Notice
from mcp_access import months, tasks
from tests.factories.billing import LedgerEntryFactory

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
NOW = datetime(2026, 11, 1, 0, 20, tzinfo=UTC)


def used(tenant: Tenant, calls: int, month: date = OCTOBER) -> None:
    MonthlyUsage.objects.update_or_create(
        tenant_id=tenant.pk, month=month, defaults={"calls": calls}
    )


def test_each_month_that_is_over_is_closed_once(acme: Tenant, mallory: Membership) -> None:
    Tenant.objects.filter(pk=mallory.tenant_id).update(tier="discover")
    used(acme, 100_001)
    used(acme, 5, date(2026, 9, 1))
    used(mallory.tenant, 10_000)
    used(acme, 999_999, NOVEMBER)

    assert [months.close_months(now=NOW), months.close_months(now=NOW)] == [3, 0]

    held = UsageStatement.objects.order_by("month", "overage_calls")
    assert list(held.values_list("tenant_id", "month", "calls", "included", "overage_calls")) == [
        (acme.pk, date(2026, 9, 1), 5, 100_000, 0),
        (mallory.tenant_id, OCTOBER, 10_000, 10_000, 0),
        (acme.pk, OCTOBER, 100_001, 100_000, 1),
    ]
    assert LedgerEntry.objects.get().amount == Decimal("-0.0005")


def test_a_month_is_not_closed_before_its_last_calls_are_written(acme: Tenant) -> None:
    used(acme, 100_001)
    assert months.close_months(now=datetime(2026, 11, 1, 0, 14, tzinfo=UTC)) == 0
    assert months.close_months(now=datetime(2026, 11, 1, 0, 16, tzinfo=UTC)) == 1


def test_embed_has_a_statement_and_no_overage(acme: Tenant) -> None:
    Tenant.objects.update(tier="embed")
    used(acme, 7_000_000)
    months.close_months(now=NOW)
    statement = UsageStatement.objects.get()
    assert (statement.included, statement.overage_calls, statement.amount) == (None, 0, 0)


def test_one_accounts_muddle_keeps_no_other_open(
    acme: Tenant, mallory: Membership, caplog: pytest.LogCaptureFixture
) -> None:
    Tenant.objects.update(tier="automate")
    LedgerEntryFactory(tenant=acme, kind="ai_overage", reference=f"usage:{acme.pk}:2026-10")
    used(acme, 100_001)
    used(mallory.tenant, 100_002)
    used(Tenant(pk=uuid7()), 100_003)

    assert months.close_months(now=NOW) == 1

    assert UsageStatement.objects.get().tenant == mallory.tenant
    assert "of acme-test stays open" in caplog.text


@pytest.mark.parametrize(
    ("tier", "limit", "calls", "title", "body"),
    [
        ("discover", 10_000, 7_999, None, None),
        (
            "discover",
            10_000,
            8_000,
            "80 % of this month's AI calls are used",
            "8,000 of 10,000 calls. Calls beyond are refused until 1 November (UTC).",
        ),
        (
            "automate",
            100_000,
            100_000,
            "This month's AI calls are used up",
            "100,000 of 100,000 calls. Each call beyond costs €0.0005.",
        ),
        ("embed", None, 99_000_000, None, None),
    ],
)
def test_eighty_and_a_hundred_percent_are_told_once(
    acme: Tenant, tier: str, limit: int | None, calls: int, title: str | None, body: str | None
) -> None:
    Tenant.objects.update(tier=tier)
    used(acme, calls)
    at = datetime(2026, 10, 20, tzinfo=UTC)

    told = [months.warn_of_months(now=at), months.warn_of_months(now=at)]

    assert told == ([0, 0] if title is None else [1, 0])
    assert list(Notice.objects.values_list("tenant", "title", "body", "link")) == (
        [] if title is None else [(acme.pk, title, body, "/numbers/ai-access/usage/")]
    )


def test_a_hundred_follows_eighty_and_a_new_month_begins_anew(acme: Tenant) -> None:
    at = datetime(2026, 10, 20, tzinfo=UTC)
    for calls in (80_000, 99_999, 100_000, 250_000):
        used(acme, calls)
        months.warn_of_months(now=at)
    assert Notice.objects.count() == 2
    used(acme, 80_000, NOVEMBER)
    assert months.warn_of_months(now=at + timedelta(days=20)) == 1


def test_the_clock_runs_all_three_and_never_two_of_one_at_a_time(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = {entry["task"] for entry in celery.conf.beat_schedule.values()}
    names = ("close_months", "warn_of_months", "roll_up_usage")
    assert {f"mcp_access.tasks.{name}" for name in names} <= entries
    used(acme, 100_001, date(2020, 1, 1))
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "advisory_lock", lambda name: nullcontext(False))
        tasks.close_months()
    assert not UsageStatement.objects.exists()
    tasks.close_months()
    tasks.warn_of_months()
    tasks.roll_up_usage()
    assert UsageStatement.objects.count() == 1
    assert not DailyUsage.objects.exists()
