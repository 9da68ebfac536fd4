"""What waits for the person, and what on the account wants somebody's attention."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership
from tests.factories.accounts import MembershipFactory
from tests.factories.alerts import make_alert
from tests.factories.approvals import approval_in, make_approval, quote_of
from tests.factories.audit import make_call, ok
from tests.factories.carriers import CarrierOperationFactory
from tests.factories.mcp_access import make_token
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db


def home(membership: Membership) -> str:
    client = Client()
    client.force_login(membership.user)
    response = client.get("/")
    assert response.status_code == 200
    return unescape(response.content.decode()).partition("</main>")[0]


def test_the_most_urgent_approvals_wait_with_their_price(alice, bob):
    for hours in (5, 1, 4, 3, 2):
        make_approval(
            bob,
            title=f"Order <b> {hours}",
            price=quote_of("2.00", "1.25"),
            expires_at=timezone.now() + timedelta(hours=hours, minutes=30),
        )
    page = Client()
    page.force_login(alice.user)
    raw = page.get("/").content.decode()
    assert "Order <b>" not in raw
    shown = home(alice)
    found = [shown.find(f"Order <b> {hours}<") for hours in (1, 2, 3, 4)]
    assert found == sorted(found)
    assert found[0] > 0
    assert "Order <b> 5<" not in shown
    assert "€3.25 at once, €1.25 a month" in shown
    assert f"asked by <bdi>{bob.user.display_name}" in shown


def test_who_does_not_decide_sees_what_they_asked_for(alice, bob):
    make_approval(bob, title="Mine")
    make_approval(alice, title="Somebody else's")
    page = home(bob)
    assert "You asked for" in page
    assert "Mine" in page
    assert "Somebody else's" not in page


def test_a_decision_ends_the_first_steps(alice):
    make_token(alice, last_used_at=timezone.now())
    make_call(tool="whoami", tenant_id=alice.tenant_id, user_id=alice.user_id, outcome=ok())
    make_approval(alice)
    assert home(alice).count("To do") == 1, "one that waits is no decision"
    approval_in("rejected", alice)
    page = home(alice)
    assert "First steps" not in page
    assert "To do" not in page


def test_numbers_and_trunks_that_do_not_work_are_told_with_the_reason(bob):
    PhoneNumberFactory.create_batch(2, tenant=bob.tenant)
    PhoneNumberFactory(tenant=bob.tenant, status="disabled")
    PhoneNumberFactory(tenant=bob.tenant, capabilities=["sms"])
    trunk = TrunkFactory(tenant=bob.tenant, name="HQ", refused=True)
    TrunkFactory(tenant=bob.tenant, name="Off", refused=True, status="disabled")
    page = home(bob)
    assert "3 active numbers are not connected" in page
    assert 'href="/numbers/?status=active&connection=none"' in page
    assert "2 active numbers have no emergency address" in page
    assert 'href="/numbers/?status=active&emergency=none&capability=voice"' in page
    assert f'href="/trunks/{trunk.pk}/"><bdi>Trunk “HQ” is not registered' in page
    assert "403 Forbidden: The request was understood and refused" in page
    assert "“Off”" not in page


def test_tokens_near_their_end_are_told_to_whom_they_concern(alice, bob):
    soon = timezone.now() + timedelta(days=5, hours=1)
    make_token(alice, name="Ops <i>", expires=soon)
    make_token(alice, name="Far", expires=timezone.now() + timedelta(days=20))
    make_token(alice, name="Ended", expires=soon, revoked_at=timezone.now())
    assert "Token “Ops <i>” expires in 5 days" in home(alice)
    for name in ("Far", "Ended"):
        assert f"“{name}”" not in home(alice)
    assert "Ops" not in home(bob)


def test_open_alerts_are_for_admins(acme, alice, bob):
    make_alert(acme, token_label="Ops agent")
    make_alert(acme, token_label="Old agent", state="over")
    assert "Ops agent" in home(alice)
    assert "Old agent" not in home(alice)
    assert "Ops agent" not in home(bob)


@pytest.mark.parametrize(
    ("attempts", "minutes", "is_told"),
    [(1, 10, True), (0, 10, False), (1, 0, False)],
    ids=["tried", "not-tried", "just-made"],
)
def test_a_carrier_that_does_not_answer_is_told(bob, attempts, minutes, is_told):
    now = timezone.now()
    CarrierOperationFactory(
        tenant=bob.tenant,
        attempts=attempts,
        created_at=now - timedelta(minutes=minutes),
        due_at=now + timedelta(minutes=2),
    )
    CarrierOperationFactory(created_at=now - timedelta(minutes=10), attempts=3)
    page = home(bob)
    assert ("The carrier is slow to answer." in page) is is_told
    assert ("1 request of yours is tried again" in page) is is_told


def test_mallory_learns_nothing_of_acme(acme, alice, mallory):
    make_approval(alice, title="Secret order")
    make_token(alice, name="Secret token", expires=timezone.now() + timedelta(days=1))
    make_alert(acme, token_label="Secret agent")
    TrunkFactory(tenant=acme, name="Secret trunk", refused=True)
    PhoneNumberFactory(tenant=acme)
    CarrierOperationFactory(
        tenant=acme, attempts=1, created_at=timezone.now() - timedelta(minutes=10)
    )
    for member in (mallory, MembershipFactory(tenant=mallory.tenant, role="viewer")):
        page = home(member)
        assert "Secret" not in page
        assert "not connected" not in page
        assert "slow to answer" not in page
