"""`/api/v1/approvals/`: who reads what, who decides, and how each refusal looks."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from approvals.models import Decision
from tests.factories.accounts import MembershipFactory
from tests.factories.approvals import approval_in, make_approval, make_policy, quote_of
from tests.factories.notices import EventFactory

pytestmark = pytest.mark.django_db

LIST = "/api/v1/approvals/"
PASSWORD = "correct horse battery"


def api_of(membership) -> Client:
    browser = Client()
    browser.force_login(membership.user)
    return browser


def path_of(approval, deed=""):
    return f"{LIST}{approval.pk}/{deed}"


def post(browser, approval, deed, **body):
    return browser.post(path_of(approval, deed), body, content_type="application/json")


def approve(browser, approval, **body):
    return post(browser, approval, "approve", **{"digest": approval.digest, **body})


def overdue():
    now = timezone.now()
    return {"now": now - timedelta(hours=2), "expires_at": now - timedelta(hours=1)}


def refusal(response):
    return response.status_code, response.json()["error"]["code"]


@pytest.fixture(autouse=True)
def _executes(executor):
    """Every action here has an executor."""


def test_the_list_has_cards_and_where_to_follow_events_from(alice, bob):
    event = EventFactory(tenant=alice.tenant)
    approval = make_approval(bob, price=quote_of("10", "2.50"), reason_text="<b>now</b>")
    response = api_of(alice).get(LIST)
    body = response.json()
    assert response.headers["Cache-Control"] == "no-store"
    assert (body["next"], body["waiting"], body["last_event_id"]) == (None, 1, event.pk)
    (card,) = body["results"]
    assert card["id"] == str(approval.pk)
    assert card["cost"]["first_charge"] == {
        "amount": "12.50",
        "currency": "EUR",
        "text": "€12.50",
    }
    assert card["requester"] == {"name": bob.user.name, "is_me": False}
    assert card["reason"] == "<b>now</b>"
    assert (card["digest"], card["url"]) == (approval.digest, f"/approvals/{approval.pk}/")
    assert (card["status"], card["may_approve"], card["approvals_missing"]) == ("pending", True, 1)


def test_each_state_has_its_list(alice):
    waiting = make_approval(alice)
    rejected = approval_in("rejected", alice)
    expired = make_approval(alice, **overdue())
    browser = api_of(alice)
    for state, approval in (("waiting", waiting), ("decided", rejected), ("expired", expired)):
        found = browser.get(LIST, {"state": state}).json()["results"]
        assert [card["id"] for card in found] == [str(approval.pk)]
    response = browser.get(LIST, {"state": "other"})
    assert refusal(response) == (400, "invalid_arguments")
    assert response.json()["error"]["problems"][0]["field"] == "state"


def test_pages_follow_each_other_without_gap(alice):
    approvals = {str(make_approval(alice).pk) for _ in range(30)}
    browser, cursor, seen = api_of(alice), "", []
    while cursor is not None:
        body = browser.get(LIST, {"cursor": cursor}).json()
        seen += [card["id"] for card in body["results"]]
        cursor = body["next"]
    assert len(seen) == 30
    assert set(seen) == approvals


def test_the_detail_has_all_that_the_page_shows(alice, bob):
    approval = make_approval(bob)
    body = api_of(alice).get(path_of(approval)).json()
    assert body["arguments"] == approval.arguments
    assert body["consequences"] == ["It is counted."]
    assert (body["lines"], body["missing"]) == ([], [])
    assert body["timeline"][0]["who"] == bob.user.name
    assert body["digest"] == approval.digest


def test_members_read_and_do_not_decide(alice, bob):
    approval = make_approval(alice)
    browser = api_of(bob)
    (card,) = browser.get(LIST).json()["results"]
    assert (card["may_approve"], card["may_reject"]) == (False, False)
    assert card["why_not"]
    for response in (approve(browser, approval), post(browser, approval, "reject")):
        assert refusal(response) == (403, "not_permitted")
    assert refusal(post(browser, approval, "cancel")) == (403, "not_permitted")
    assert not Decision.objects.exists()


def test_another_tenants_approval_does_not_exist(alice, mallory):
    approval = make_approval(alice)
    browser = api_of(mallory)
    assert browser.get(LIST).json()["results"] == []
    answers = [
        browser.get(path_of(approval)),
        approve(browser, approval),
        post(browser, approval, "reject"),
        post(browser, approval, "cancel"),
    ]
    assert {refusal(answer) for answer in answers} == {(404, "not_found")}
    approval.refresh_from_db()
    assert approval.status == "pending"


def test_an_approval_is_decided_once_and_the_second_is_told_by_whom(alice, carol):
    approval = make_approval(alice)
    answer = approve(api_of(carol), approval, comment="Go on")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["missing"], body["approval"]["decided_by"]) == (0, "Carol")
    assert Decision.objects.get().comment == "Go on"
    second = approve(api_of(alice), approval)
    assert refusal(second) == (409, "already_decided")
    error = second.json()["error"]
    assert (error["status"], error["decided_by"]) == ("approved", "Carol")
    assert error["decided_at"] == Decision.objects.get().at.isoformat()
    assert Decision.objects.count() == 1


def test_refusals_of_an_approval_have_statuses_of_their_own(alice, carol, executor):
    make_policy(alice, four_eyes_from=0)
    mine, dear = make_approval(alice), make_approval(carol)
    late = make_approval(carol, **overdue())
    browser = api_of(alice)
    assert refusal(approve(browser, mine)) == (403, "not_permitted")
    assert refusal(approve(browser, late)) == (410, "approval_expired")
    assert refusal(approve(browser, dear, digest="0" * 64)) == (409, "price_changed")
    executor.price = quote_of("9")
    assert refusal(approve(browser, dear)) == (409, "price_changed")
    dear.refresh_from_db()
    assert approve(browser, dear).status_code == 200


def test_rejecting_keeps_the_comment_and_taking_back_is_the_requesters(alice, bob):
    rejected, cancelled = make_approval(bob), make_approval(bob)
    answer = post(api_of(alice), rejected, "reject", comment="Too dear")
    assert answer.json()["approval"]["status"] == "rejected"
    assert answer.json()["approval"]["comment"] == "Too dear"
    # With the slash, too: a redirect would lose what was posted.
    answer = post(api_of(bob), cancelled, "cancel/")
    assert answer.json()["approval"]["status"] == "cancelled"


def test_what_is_posted_wrongly_is_refused_with_all_problems(alice):
    approval = make_approval(alice)
    browser = api_of(alice)
    answer = post(browser, approval, "approve", digest="x", comment="y" * 1001)
    assert refusal(answer) == (400, "invalid_arguments")
    assert {each["field"] for each in answer.json()["error"]["problems"]} == {"digest", "comment"}
    path = path_of(approval, "approve")
    for body, status in (
        ("{", 400),
        ("[1]", 400),
        ("[" * 20_000, 400),
        ('"' + "x" * 70_000 + '"', 413),
    ):
        answer = browser.post(path, body, content_type="application/json")
        assert answer.status_code == status
        assert set(answer.json()) == {"error"}
    assert browser.post(path, {"digest": approval.digest}).status_code == 415
    assert browser.get(path).status_code == 405
    assert browser.get(f"{LIST}{uuid.uuid4()}/").status_code == 404
    assert not Decision.objects.exists()


def test_wrong_passwords_are_counted_and_then_not_even_looked_at(alice, settings):
    settings.RATELIMIT_CACHE_PREFIX = f"rl:{uuid.uuid4()}:"
    settings.RATE_LIMIT_CONFIRM_FAILURES = "2/5m"
    make_policy(alice, always_four_eyes=True)
    approval = make_approval(alice)
    browser = api_of(alice)
    assert browser.get(path_of(approval)).json()["needs_password"]
    assert refusal(approve(browser, approval)) == (403, "password_required")
    for _ in range(2):
        assert refusal(approve(browser, approval, password="wrong")) == (403, "wrong_password")
    answer = approve(browser, approval, password=PASSWORD)
    assert refusal(answer) == (429, "rate_limited")
    assert 0 < int(answer.headers["Retry-After"]) <= 300
    assert not Decision.objects.exists()
    settings.RATELIMIT_CACHE_PREFIX = f"rl:{uuid.uuid4()}:"
    assert approve(browser, approval, password=PASSWORD).status_code == 200
    assert Decision.objects.get().with_password


def test_without_a_session_or_a_tenant_there_is_json_that_says_so(alice):
    approval = make_approval(alice)
    answers = [Client().get(LIST), approve(Client(), approval), Client().get("/api/v1/schema/")]
    assert {answer.status_code for answer in answers} == {401}
    assert refusal(answers[0]) == (401, "not_signed_in")
    assert answers[0].headers["WWW-Authenticate"] == "Session"
    alice.ended_at = timezone.now()
    alice.save()
    assert refusal(api_of(alice).get(LIST)) == (403, "no_tenant")


def test_a_session_decides_only_with_its_csrf_token_and_from_our_pages(alice):
    approval = make_approval(alice)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.user)
    assert refusal(post(browser, approval, "reject")) == (403, "csrf_failed")
    browser.get("/account/password/change/")
    token = browser.cookies["csrftoken"].value

    def reject(**headers):
        return browser.post(
            path_of(approval, "reject"),
            {},
            content_type="application/json",
            headers={"X-CSRFToken": token, **headers},
        )

    assert refusal(reject(Origin="https://evil.example")) == (403, "csrf_failed")
    assert not Decision.objects.exists()
    assert reject(Origin="http://testserver").status_code == 200


def test_a_page_of_cards_costs_the_same_for_one_and_for_many(alice, django_assert_max_num_queries):
    for _ in range(20):
        make_approval(MembershipFactory(tenant=alice.tenant, role="member"))
    browser = api_of(alice)
    with django_assert_max_num_queries(12):
        assert len(browser.get(LIST).json()["results"]) == 20
