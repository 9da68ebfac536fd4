from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from approvals.models import Approval
from cliqtel_portal.errors import PortalError
from cliqtel_portal.numbers.models import Reservation
from mcp_access.pipeline import execute_tool_call_sync
from tests.factories.mcp_access import DISCOVER, EVERY_SCOPE, principal_of
from tests.factories.numbers import StockNumberFactory


@pytest.fixture
def principal(bob):
    return principal_of(bob, scopes=(*DISCOVER, "mcp.orders.draft"))


def call(principal, **arguments):
    return execute_tool_call_sync(principal, "reserve_number", arguments)


def test_a_number_is_held_without_an_approval(principal, acme):
    stock = StockNumberFactory()
    result = call(principal, number=stock.e164, ttl_minutes=30).result
    held = Reservation.objects.for_tenant(acme).get()
    assert (result.reservation_id, result.number) == (str(held.pk), stock.e164)
    assert held.expires_at - timezone.now() > timedelta(minutes=29)
    assert not Approval.objects.exists()


def test_what_others_hold_is_refused(principal, mallory):
    mallory.tenant.tier = "automate"
    mallory.tenant.save()
    stock = StockNumberFactory()
    call(principal_of(mallory, scopes=EVERY_SCOPE), number=stock.e164)
    with pytest.raises(PortalError) as caught:
        call(principal, number=stock.e164)
    assert caught.value.code == "number_unavailable"
    assert "Malice" not in caught.value.message
    assert Reservation.objects.count() == 1


def test_a_repeat_with_the_same_key_holds_once(principal):
    number = StockNumberFactory().e164
    first = call(principal, number=number, idempotency_key="key-12345").result
    again = call(principal, number=number, idempotency_key="key-12345").result
    assert (again.replayed, again.expires_at) == (True, first.expires_at)


@pytest.mark.parametrize("minutes", [4, 31])
def test_it_is_held_for_5_to_30_minutes(principal, minutes):
    with pytest.raises(PortalError) as caught:
        call(principal, number=StockNumberFactory().e164, ttl_minutes=minutes)
    assert caught.value.code == "invalid_arguments"
    assert not Reservation.objects.exists()


def test_over_the_limit_it_says_what_to_do(principal, settings):
    settings.NUMBER_RESERVATIONS_MAX = 1
    call(principal, number=StockNumberFactory().e164)
    with pytest.raises(PortalError) as caught:
        call(principal, number=StockNumberFactory().e164)
    assert (caught.value.code, caught.value.retryable) == ("quota_exceeded", False)
