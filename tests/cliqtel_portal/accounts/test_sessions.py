from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from cliqtel_portal.accounts.http import TENANT_SESSION_KEY
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.accounts.sessions import seats_of
from tests.factories.accounts import MembershipFactory


def key_of(client):
    return client.session.session_key


@pytest.fixture
def key(client, alice):
    client.force_login(alice.user)
    return key_of(client)


def test_a_signed_in_person_has_the_seat_of_their_tenant(key, alice):
    seat = seats_of([key, "", "another"])[key]
    assert (seat.user, seat.membership, seat.membership.tenant) == (
        alice.user,
        alice,
        alice.tenant,
    )


def test_the_seat_is_in_the_tenant_that_was_switched_to(client, key, alice):
    other = MembershipFactory(user=alice.user, tenant__name="Zeta", role="viewer")
    before = seats_of([key])[key]
    session = client.session
    session[TENANT_SESSION_KEY] = str(other.tenant_id)
    session.save()
    after = seats_of([key])[key]
    assert after.membership == other
    assert not after.is_same_as(before)
    assert after.is_same_as(seats_of([key])[key])


def test_another_role_is_another_seat(key, alice):
    before = seats_of([key])[key]
    Membership.objects.filter(pk=alice.pk).update(role="member")
    assert not seats_of([key])[key].is_same_as(before)


def sign_out(client, alice):
    client.logout()


def change_password(client, alice):
    alice.user.set_password("another horse battery")
    alice.user.save()


def disable(client, alice):
    alice.user.is_active = False
    alice.user.save()


def end_membership(client, alice):
    Membership.objects.filter(pk=alice.pk).update(ended_at=timezone.now())


def suspend_tenant(client, alice):
    Tenant.objects.filter(pk=alice.tenant_id).update(status="suspended")


def let_expire(client, alice):
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))


def forge(client, alice):
    Session.objects.update(session_data="eyJfYXV0aF91c2VyX2lkIjoiMSJ9:forged:data")


@pytest.mark.parametrize(
    "cause",
    [sign_out, change_password, disable, end_membership, suspend_tenant, let_expire, forge],
)
def test_who_may_no_longer_read_has_no_seat(client, key, alice, cause):
    assert key in seats_of([key])
    cause(client, alice)
    assert seats_of([key]) == {}


def test_a_session_nobody_signed_in_to_has_no_seat(client, db):
    session = client.session
    session["_auth_user_id"] = "not a uuid"
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session.save()
    assert seats_of([key_of(client)]) == {}


def test_a_cookie_that_no_session_has_is_a_stranger_s(client, key, db):
    client.cookies.clear()
    # Quoted cookies carry any byte, NUL too, which PostgreSQL takes in no question.
    for forged in ('"\\000aaaaaaaaaaaaaaaa"', '"\\377\\376aaaaaaaa"', "a" * 5000, f'"{key}\\000"'):
        answer = client.get("/", headers={"cookie": f"sessionid={forged}"})
        assert answer.status_code == 302
        assert answer["Location"].startswith("/account/login/")
    assert seats_of([f"{key}\x00", "\x00" * 32]) == {}


def test_any_number_of_sessions_costs_three_queries(client_class, acme, django_assert_num_queries):
    keys = []
    for _ in range(5):
        browser = client_class()
        browser.force_login(MembershipFactory(tenant=acme).user)
        keys.append(key_of(browser))
    with django_assert_num_queries(3):
        assert set(seats_of(keys)) == set(keys)


@pytest.fixture
def client_class():
    from django.test import Client

    return Client
