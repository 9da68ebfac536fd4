"""Clicks over the REST API of two web processes at once: one decision, one deed, one charge."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from approvals.expiry import expire_due
from approvals.models import Approval, Decision
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.billing.models import LedgerEntry
from cliqtel_portal.carriers.sandbox_models import SandboxRequest
from cliqtel_portal.deeds.purchase_number import draft_order
from cliqtel_portal.deeds.requester import Requester
from cliqtel_portal.numbers.errors import NumberUnavailable
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.pricing.models import Price
from tests.factories.accounts import MembershipFactory
from tests.factories.billing import LedgerEntryFactory
from tests.factories.numbers import StockNumberFactory
from tests.factories.pricing import PriceFactory
from tests.wire import Web, daphne

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

CSRF = "c" * 32


@pytest.fixture(scope="module")
def second(django_db_setup: None, django_db_blocker: Any) -> Iterator[Web]:
    with django_db_blocker.unblock(), daphne() as web:
        yield web


@dataclass(frozen=True)
class Person:
    """A browser of theirs on one of the processes."""

    member: Membership
    session: str

    @classmethod
    def signed_in(cls, member: Membership) -> Person:
        client = Client()
        client.force_login(member.user, backend=settings.AUTHENTICATION_BACKENDS[0])
        return cls(member, client.cookies[settings.SESSION_COOKIE_NAME].value)

    def post(self, web: Web, path: str, body: dict[str, Any]) -> httpx2.Response:
        cookies = f"{settings.SESSION_COOKIE_NAME}={self.session}; csrftoken={CSRF}"
        return httpx2.post(
            f"{web.origin}/api/v1/approvals/{path}",
            json=body,
            headers={"cookie": cookies, "x-csrftoken": CSRF, "origin": web.origin},
            timeout=30,
        )


@pytest.fixture
def people(alice: Membership) -> tuple[Person, Person]:
    carol = MembershipFactory(tenant=alice.tenant, role="approver", user__name="Carol")
    return Person.signed_in(alice), Person.signed_in(carol)


def ordered(member: Membership, e164: str | None = None) -> Approval:
    if not Price.objects.exists():
        PriceFactory(setup=1, monthly=2)
    LedgerEntryFactory(tenant=member.tenant, amount=100)
    number = e164 or StockNumberFactory().e164
    requester = Requester(tenant=member.tenant, user=member.user)
    approval = draft_order(requester, numbers=[number]).approval
    assert approval is not None
    return approval


def at_once(*clicks: Any) -> list[httpx2.Response]:
    barrier = threading.Barrier(len(clicks))

    def click(work: Any) -> httpx2.Response:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(clicks)) as pool:
        return list(pool.map(click, clicks))


def charges() -> list[Decimal]:
    paid = LedgerEntry.objects.filter(amount__lt=0).order_by("-amount")
    return [entry.amount for entry in paid]


def test_sixteen_approvals_of_two_people_are_one_deed(people, bob, web, second):
    approval = ordered(bob)
    body = {"digest": approval.digest}
    clicks = [
        lambda person=people[i % 2], at=(web, second)[i // 2 % 2]: person.post(
            at, f"{approval.pk}/approve", body
        )
        for i in range(16)
    ]
    answers = at_once(*clicks)
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 15
    names = {person.member.user.display_name for person in people}
    for answer in answers:
        if answer.status_code == 409:
            error = answer.json()["error"]
            assert error["code"] == "already_decided"
            assert any(name in error["message"] for name in names)
    assert Decision.objects.count() == 1
    assert SandboxRequest.objects.count() == 1
    assert PhoneNumber.objects.get().status == "active"
    assert charges() == [Decimal(-1), Decimal(-2)]
    approval.refresh_from_db()
    assert (approval.status, approval.attempts) == ("executed", 1)


@pytest.mark.parametrize("attempt", range(3))
def test_approve_against_reject_has_one_winner(people, bob, web, second, attempt):
    approval = ordered(bob)
    yes, no = people
    answers = at_once(
        lambda: yes.post(web, f"{approval.pk}/approve", {"digest": approval.digest}),
        lambda: no.post(second, f"{approval.pk}/reject", {"comment": "No."}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    approval.refresh_from_db()
    was_approved = answers[0].status_code == 200
    assert approval.status == ("executed" if was_approved else "rejected")
    assert PhoneNumber.objects.exists() is was_approved
    assert charges() == ([Decimal(-1), Decimal(-2)] if was_approved else [])


def test_approve_against_the_clock_has_one_winner(people, bob, web):
    approval = ordered(bob)
    soon = timezone.now() + timedelta(hours=25)
    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(1) as pool:
        clicked = pool.submit(
            lambda: (
                barrier.wait(),
                people[0].post(web, f"{approval.pk}/approve", {"digest": approval.digest}),
            )[1]
        )
        barrier.wait()
        expired = expire_due(now=soon)
        answer = clicked.result()
    approval.refresh_from_db()
    if expired:
        assert (answer.status_code, approval.status) == (410, "expired")
        assert not PhoneNumber.objects.exists()
    else:
        assert (answer.status_code, approval.status) == (200, "executed")
        assert charges() == [Decimal(-1), Decimal(-2)]


def test_a_number_that_two_tenants_want_goes_to_one(people, mallory, web, second):
    number = StockNumberFactory().e164
    mine = ordered(people[0].member, number)
    with pytest.raises(NumberUnavailable):
        ordered(mallory, number)
    # What the other could not even draft, they can't approve by its id either.
    stranger = Person.signed_in(mallory)
    answers = at_once(
        lambda: people[0].post(web, f"{mine.pk}/approve", {"digest": mine.digest}),
        lambda: stranger.post(second, f"{mine.pk}/approve", {"digest": mine.digest}),
    )
    assert [answer.status_code for answer in answers] == [200, 404]
    assert PhoneNumber.objects.get().tenant_id == people[0].member.tenant_id
    assert not LedgerEntry.objects.filter(tenant=mallory.tenant, amount__lt=0).exists()
