from __future__ import annotations

import pytest
from django.test import Client

from tests.factories.notices import EventFactory

EVENTS = "/api/v1/events/"


@pytest.fixture
def browser(client: Client, alice) -> Client:
    client.force_login(alice.user)
    return client


def test_without_a_place_it_says_where_to_start(browser, alice):
    assert browser.get(EVENTS).json() == {"results": [], "last": 0, "reset": False}
    event = EventFactory(tenant=alice.tenant)
    assert browser.get(EVENTS).json() == {"results": [], "last": event.pk, "reset": False}


def test_the_events_after_a_place_are_those_of_the_socket(browser, alice, bob, mallory):
    first = EventFactory(tenant=alice.tenant)
    EventFactory(tenant=mallory.tenant)
    EventFactory(tenant=alice.tenant, user=bob.user)
    second = EventFactory(tenant=alice.tenant, payload={"n": 1})
    body = browser.get(EVENTS, {"after": first.pk}).json()
    assert (body["last"], body["reset"]) == (second.pk, False)
    assert body["results"] == [
        {
            "id": second.pk,
            "kind": second.kind,
            "payload": {"n": 1},
            "at": second.created_at.isoformat(),
        }
    ]


def test_who_missed_too_much_is_told_to_start_anew(browser, alice, settings):
    settings.EVENT_REPLAY_MAX = 1
    EventFactory(tenant=alice.tenant)
    newest = EventFactory(tenant=alice.tenant)
    body = browser.get(EVENTS, {"after": 0}).json()
    assert body == {"results": [], "last": newest.pk, "reset": True}


@pytest.mark.parametrize("after", ["x", "-1", str(2**63), "1.5"])
def test_what_is_no_place_is_refused(browser, after):
    answer = browser.get(EVENTS, {"after": after})
    assert answer.status_code == 400
    assert answer.json()["error"]["problems"][0]["field"] == "after"


def test_a_stranger_gets_nothing(client, db):
    assert client.get(EVENTS).status_code == 401
