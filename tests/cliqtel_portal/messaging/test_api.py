from __future__ import annotations

import pytest
from django.test import Client

from cliqtel_portal.messaging.models import MessagingLimit, MessagingLimitChange
from tests.factories.accounts import MembershipFactory
from tests.factories.messaging import MessageFactory

MESSAGES = "/api/v1/messaging/messages/"
LIMIT = "/api/v1/messaging/limit/"


def api_of(membership) -> Client:
    browser = Client()
    browser.force_login(membership.user)
    return browser


def put(membership, **body):
    return api_of(membership).put(LIMIT, body, content_type="application/json")


def test_messages_say_what_became_of_them_but_not_what_they_said(bob, mallory):
    message = MessageFactory(tenant=bob.tenant, body="the secret word")
    answer = api_of(bob).get(MESSAGES)
    (row,) = answer.json()["results"]
    assert (row["id"], row["status"], row["to_number"]) == (
        str(message.pk),
        "delivered",
        message.to_number,
    )
    assert row["cost"]["amount"] == "0.07"
    assert "secret" not in answer.text
    assert api_of(mallory).get(MESSAGES).json()["results"] == []


def test_viewers_see_the_numbers_of_others_masked(acme):
    sent = MessageFactory(tenant=acme)
    received = MessageFactory(tenant=acme, received=True)
    viewer = MembershipFactory(tenant=acme, role="viewer")
    rows = {row["id"]: row for row in api_of(viewer).get(MESSAGES).json()["results"]}
    assert rows[str(sent.pk)]["from_number"] == sent.from_number
    assert rows[str(sent.pk)]["to_number"] == "+44********01"
    assert rows[str(received.pk)]["from_number"] == "+44********00"
    assert rows[str(received.pk)]["to_number"] == received.to_number


def test_pages_follow_each_other_and_filters_hold(alice):
    made = {str(each.pk) for each in MessageFactory.create_batch(60, tenant=alice.tenant)}
    MessageFactory(tenant=alice.tenant, status="rejected")
    browser, query, seen = api_of(alice), {"status": "delivered"}, []
    while True:
        body = browser.get(MESSAGES, query).json()
        seen += [row["id"] for row in body["results"]]
        if body["next"] is None:
            break
        query["cursor"] = body["next"]
    assert len(seen) == 60
    assert set(seen) == made
    for wrong in ({"status": "x"}, {"channel": "fax"}, {"cursor": "1.2"}, {"cursor": "9" * 17}):
        assert browser.get(MESSAGES, wrong).status_code == 400


def test_the_limit_is_read_by_all_and_set_by_owners(alice, bob):
    body = api_of(bob).get(LIMIT).json()
    assert (body["messages_per_day"], body["may_edit"]) == (0, False)
    assert put(bob, messages_per_day=5, amount_per_day="1.00").status_code == 403
    assert not MessagingLimit.objects.exists()
    body = put(alice, messages_per_day=5, amount_per_day="1.50").json()
    assert (body["messages_per_day"], body["messages_left"]) == (5, 5)
    assert (body["amount_left"]["text"], body["may_edit"]) == ("€1.50", True)
    assert MessagingLimitChange.objects.get().set_by == alice.user


def test_a_limit_stays_in_its_own_tenant(alice, mallory):
    put(alice, messages_per_day=5, amount_per_day="1.00")
    assert api_of(mallory).get(LIMIT).json()["messages_per_day"] == 0


def test_a_limit_that_makes_no_sense_is_refused_with_all_problems(alice):
    answer = put(alice, messages_per_day=-1, amount_per_day="1.005")
    assert answer.status_code == 400
    fields = {each["field"] for each in answer.json()["error"]["problems"]}
    assert fields == {"messages_per_day", "amount_per_day"}
    answer = put(alice, messages_per_day=2_000_000_000, amount_per_day="99999999.00")
    fields = {each["field"] for each in answer.json()["error"]["problems"]}
    assert fields == {"messages_per_day", "amount_per_day"}
    assert not MessagingLimit.objects.exists()


@pytest.mark.parametrize("path", [MESSAGES, LIMIT])
def test_a_stranger_gets_nothing(client, db, path):
    assert client.get(path).status_code == 401
