from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.messaging.services import daily_allowance
from cliqtel_portal.money import Money
from tests.factories.messaging import MessageFactory, MessagingLimitFactory

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def test_without_a_limit_nothing_may_be_sent(acme: Tenant) -> None:
    allowance = daily_allowance(acme, now=NOON)
    assert (allowance.messages_per_day, allowance.messages_left) == (0, 0)
    assert allowance.amount_left == Money(amount=Decimal(0), currency="EUR")


def test_what_was_sent_today_is_no_longer_left(
    acme: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    MessagingLimitFactory(tenant=acme)
    MessageFactory(tenant=acme, created_at=NOON - timedelta(hours=12))
    MessageFactory(tenant=acme, created_at=NOON, status="undelivered")
    with django_assert_num_queries(2):
        allowance = daily_allowance(acme, now=NOON)
    assert allowance.messages_left == 3
    assert allowance.amount_left == Money(amount=Decimal("0.86"), currency="EUR")
    assert allowance.resets_at == datetime(2026, 11, 21, tzinfo=UTC)


def test_other_days_directions_tenants_and_refusals_do_not_count(acme: Tenant) -> None:
    MessagingLimitFactory(tenant=acme)
    MessageFactory(tenant=acme, created_at=NOON - timedelta(hours=12, seconds=1))
    MessageFactory(tenant=acme, created_at=NOON, received=True)
    MessageFactory(tenant=acme, created_at=NOON, status="rejected")
    MessageFactory(created_at=NOON)
    assert daily_allowance(acme, now=NOON).messages_left == 5


def test_what_is_left_never_goes_below_nothing(acme: Tenant) -> None:
    MessagingLimitFactory(tenant=acme, messages_per_day=1, amount_per_day=Decimal("0.05"))
    MessageFactory.create_batch(2, tenant=acme, created_at=NOON)
    allowance = daily_allowance(acme, now=NOON)
    assert allowance.messages_left == 0
    assert allowance.amount_left.amount == 0


def test_the_day_is_utc_whatever_the_clock_says(acme: Tenant) -> None:
    MessagingLimitFactory(tenant=acme)
    MessageFactory(tenant=acme, created_at=datetime(2026, 11, 19, 23, 30, tzinfo=UTC))
    in_amsterdam = datetime.fromisoformat("2026-11-20T00:30:00+01:00")
    assert daily_allowance(acme, now=in_amsterdam).messages_left == 4
