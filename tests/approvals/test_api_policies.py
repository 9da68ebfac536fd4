from __future__ import annotations

import pytest
from django.test import Client

from approvals.models import Policy, PolicyChange

PATH = "/api/v1/approval-policies/"
RULES = {
    "decider_role": "admin",
    "always_four_eyes": False,
    "four_eyes_from": "100.00",
    "layers": [{"from": "1000.00", "deciders": 2}],
    "expires_seconds": 3600,
}


def api_of(membership) -> Client:
    browser = Client()
    browser.force_login(membership.user)
    return browser


def put(membership, action="purchase_number", **changes):
    return api_of(membership).put(
        f"{PATH}{action}/", {**RULES, **changes}, content_type="application/json"
    )


def test_everybody_reads_the_rules_and_whether_they_may_change_them(alice, bob):
    body = api_of(bob).get(PATH).json()
    assert (body["may_edit"], body["currency"]) == (False, "EUR")
    assert {rules["action"] for rules in body["results"]} >= {"purchase_number", "send_message"}
    assert api_of(alice).get(PATH).json()["may_edit"] is True


def test_an_owner_sets_a_policy_and_it_is_on_record(alice):
    answer = put(alice)
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in RULES} == RULES
    assert Policy.objects.get().decider_role == "admin"
    assert PolicyChange.objects.get().actor == alice.user


def test_others_change_nothing(alice, bob, mallory):
    assert put(bob).status_code == 403
    assert put(mallory).status_code == 200
    assert not Policy.objects.for_tenant(alice.tenant).exists()
    assert put(alice, action="other").status_code == 404


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"decider_role": "x", "expires_seconds": "soon"}, {"decider_role", "expires_seconds"}),
        ({"expires_seconds": 1, "four_eyes_from": "-1"}, {"expires_seconds", "four_eyes_from"}),
        ({"layers": [{"from": "x", "deciders": 2}]}, {"layers.0.from"}),
        ({"layers": [{"from": "1", "deciders": 99}]}, {"layers"}),
        ({"layers": [{"from": "1", "deciders": 1}] * 11}, {"layers"}),
    ],
)
def test_rules_that_make_no_sense_are_refused(alice, changes, fields):
    answer = put(alice, **changes)
    assert answer.status_code == 400
    assert {each["field"] for each in answer.json()["error"]["problems"]} == fields
    assert not Policy.objects.exists()
